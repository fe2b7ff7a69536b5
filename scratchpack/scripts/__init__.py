"""What scripts and self-unpacking programs run, import and name: text of a root goes in, frozen findings come out.

Nothing is executed (S1), every reader is bounded in size, time and depth (S4), and what a reader cannot know it lists as uncertain.
"""
