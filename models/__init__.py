"""What is measured: dataset, features, networks, training, conversion, variants."""
