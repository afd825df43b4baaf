"""What an Emotion2Vec+ output directory looks like, and how it becomes Arrow rows.

Nothing here knows of LanceDB or DuckDB. The way in is `read_directories(job)`, a pure
function of picklable arguments; the way to the disk is one door, `files.FileSystem`.
"""
