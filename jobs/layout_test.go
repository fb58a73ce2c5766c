package jobs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/jobs"
)

const module = "github.com/shardmill/shardmill/"

// sources parses the Go files of the module, tests included, and passes each with its folder.
func sources(t *testing.T, mode parser.Mode, visit func(folder, file string, f *ast.File)) {
	t.Helper()
	root := ".."
	n := 0
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && p != root) {
			return filepath.SkipDir
		}
		if filepath.Ext(p) != ".go" {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), p, nil, mode)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		n++
		visit(filepath.ToSlash(filepath.Dir(rel)), rel, f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if n < 50 {
		t.Fatalf("only %d Go files found", n)
	}
}

// TestImports: cmd imports jobs, jobs imports mapreduce and formats, and these two know nothing of each other.
func TestImports(t *testing.T) {
	forbidden := map[string][]string{
		"mapreduce": {"formats", "jobs", "cmd"},
		"formats":   {"mapreduce", "jobs", "cmd"},
		"jobs":      {"cmd"},
	}
	sources(t, parser.ImportsOnly, func(folder, file string, f *ast.File) {
		top, _, _ := strings.Cut(folder, "/")
		for _, spec := range f.Imports {
			imported, ours := strings.CutPrefix(strings.Trim(spec.Path.Value, `"`), module)
			if !ours {
				continue
			}
			for _, bad := range forbidden[top] {
				if imported == bad || strings.HasPrefix(imported, bad+"/") {
					t.Errorf("%s imports %s", file, imported)
				}
			}
		}
	})
}

// TestNoInit: nothing is registered, and importing a package does nothing.
func TestNoInit(t *testing.T) {
	sources(t, 0, func(_, file string, f *ast.File) {
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s has an init function", file)
			}
		}
	})
}

// TestAll: every package below jobs/ that makes a Job is in the list, under a name of its own.
func TestAll(t *testing.T) {
	makers := 0
	sources(t, 0, func(folder, file string, f *ast.File) {
		if path.Dir(folder) != "jobs" || strings.HasSuffix(file, "_test.go") {
			return
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv != nil || fn.Type.Results == nil || len(fn.Type.Results.List) != 1 {
				continue
			}
			if sel, ok := fn.Type.Results.List[0].Type.(*ast.SelectorExpr); ok && sel.Sel.Name == "Job" {
				makers++
			}
		}
	})
	names := map[string]bool{}
	for _, j := range jobs.All() {
		if names[j.Name()] {
			t.Errorf("two jobs are called %s", j.Name())
		}
		names[j.Name()] = true
	}
	if makers != len(names) {
		t.Errorf("%d functions make a job, and jobs.All lists %d", makers, len(names))
	}
}
