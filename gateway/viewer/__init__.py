"""The viewer at /viewer: a page that lists what a session may see and opens a study from its node. It holds no state."""
