"""Pictures as inline SVG, made on the server: pure functions, no script, colours from the page's theme."""
