"""The reference province node: takes DICOM by STOW-RS, keeps files, serves WADO-RS behind tickets, feeds the national index.

Built on pydicom. It is for trying and for showing how a node behaves; a busy site keeps its archive and feeds the index by
`tools.pacs_node.feed_of`.
"""
