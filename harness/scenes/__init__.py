"""What a field run plays: plans of words under conditions, and the sound of their segments."""
