"""What `zappa` puts into a deployment beside the app. Empty on purpose: importing `zappa.asynchronous` must cost nothing else."""
