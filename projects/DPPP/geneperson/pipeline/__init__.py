"""The order of the steps: candidates, worker processes, staging, publishing, plan and rebuild."""
