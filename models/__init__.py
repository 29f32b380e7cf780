"""Models under measurement: datasets, features, networks, training, compression, conversion and variants."""
