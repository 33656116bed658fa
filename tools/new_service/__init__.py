"""Begins a service: `python -m tools.new_service NAME --thing RECORD`, for example `imaging --thing study`.

It writes the files of the service and the edits that name it elsewhere, makes what is made of protos, and leaves a mesh that
starts and whose checks are green. The service registers a record once under its number and reads it again; what it is
really for is written over that. The templates are the files below `files`.
"""
