"""The member imaging: the national index of studies. It keeps no pictures, and knows no person: only keys that routing makes."""
