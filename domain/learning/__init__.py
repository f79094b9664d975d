"""What statements say about learning: facts, courses, competencies."""
