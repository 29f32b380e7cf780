"""Commands as processes that never outlive the call that started them."""
