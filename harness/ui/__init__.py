"""`replaygate ui`: runs in a browser; pages are made here, whole, from what the runs wrote.

`serving`   the port, the token and the address
`guard`     who may ask
`app`       which address shows which page
`library`   runs by name
`pages`     templates and what they are given
`sides`     two runs side by side
`index`     the requests of a run in columns on disk, made once
`search`    a question to them
`journals`  what the journals of a run at work say so far
"""

from harness.ui.serving import Options, serve

__all__ = ["Options", "serve"]
