"""Views of the models: plans, verdicts and analyses go in; text for people, JSON for programs and HTML pages come out."""
