"""One versioned document to terminal, JUnit and Markdown."""
