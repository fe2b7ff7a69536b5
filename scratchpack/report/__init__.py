"""Views of the models: text for people, JSON for scripts."""
