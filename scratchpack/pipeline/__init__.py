"""The only room that knows the whole order: locate, resolve, examine needs, place, check again, build, write. Checked requests go in; plans, receipts and verdicts come out."""
