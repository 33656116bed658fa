"""The `yibao` command: what people type at a running mesh, or beside it. It never opens a member's database."""
