"""Payment providers on a laptop: `python -m tools.twins wechat|alipay|bank|national` starts one.

A twin takes the requests that the real provider takes and answers as it does, with its own signatures, rules and error
numbers, so that unmodified SDKs accept it. It moves no money, knows invented people only, and refuses to be a member of the mesh.
"""
