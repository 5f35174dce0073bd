"""The pages of the server: a path, a title, a template, and what the template is given."""
