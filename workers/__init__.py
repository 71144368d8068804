"""What happens by itself: each file is one duty that runs until it is told to stop.

The projector feeds the read models, reactions tell the outside world what was recorded, actors
do what a message asks, the clock asks what time brings. Connections, settings and the office come
in as arguments.
"""
