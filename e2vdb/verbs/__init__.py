"""What `Database` can do, a file a group of verbs; `opened` is what all of them stand on."""
