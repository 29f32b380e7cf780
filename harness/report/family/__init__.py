"""The comparison of a family of variants: which one to ship."""
