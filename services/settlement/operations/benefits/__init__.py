"""What a person is entitled to and what a bill comes to: asked, prepared and tried on the books as they are. Nothing is
written here. It imports the operations of `care`, and all of the domain.
"""
