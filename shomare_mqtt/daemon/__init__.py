"""The daemon: each part made from few others, all of them run in one group of tasks and ended in order."""
