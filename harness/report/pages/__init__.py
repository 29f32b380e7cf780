"""Pages of the report, one module for each; their tables and plots stand in modules beside them."""
