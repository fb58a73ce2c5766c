package jobs_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestReadmeProgram: the program that README shows is the one that TestOwnJob builds.
func TestReadmeProgram(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(filepath.Join("testdata", "ownjob", "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(readme, append(append([]byte("```go\n"), program...), "```\n"...)) {
		t.Error("README.md shows another program than testdata/ownjob/main.go")
	}
}
