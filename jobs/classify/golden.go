package classify

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// goldenSet is a run of a model: the files of its inputs and of its outputs, in order.
type goldenSet struct {
	dir             string
	inputs, outputs []string
}

// Names of golden files begin so, and end in .pb.
const (
	goldenInput  = "input_"
	goldenOutput = "output_"
)

// goldenSets finds the sets that paths name: a folder with input_0.pb and output_0.pb, a folder of such folders, as
// ONNX's model zoo has them, or the files themselves, which belong together by their folder.
func goldenSets(paths []string) ([]goldenSet, error) {
	var sets []goldenSet
	byFolder := map[string]int{}
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, fmt.Errorf("--golden: %w", err)
		}
		if info.IsDir() {
			found, err := goldenFolder(path)
			if err != nil {
				return nil, err
			}
			sets = append(sets, found...)
			continue
		}
		dir := filepath.Dir(path)
		i, ok := byFolder[dir]
		if !ok {
			i = len(sets)
			byFolder[dir] = i
			sets = append(sets, goldenSet{dir: dir})
		}
		if !sets[i].add(path) {
			return nil, fmt.Errorf("--golden %s: the names of golden files are input_0.pb, output_0.pb and so on", path)
		}
	}
	return sets, checkSets(sets)
}

func (s *goldenSet) add(path string) bool {
	name := filepath.Base(path)
	switch {
	case filepath.Ext(name) != ".pb":
		return false
	case strings.HasPrefix(name, goldenInput):
		s.inputs = append(s.inputs, path)
	case strings.HasPrefix(name, goldenOutput):
		s.outputs = append(s.outputs, path)
	default:
		return false
	}
	return true
}

// goldenFolder is the set in a folder, or the sets in the folders below it.
func goldenFolder(dir string) ([]goldenSet, error) {
	set, folders, err := listGolden(dir)
	if err != nil {
		return nil, err
	}
	if len(set.inputs)+len(set.outputs) > 0 {
		return []goldenSet{set}, nil
	}
	var sets []goldenSet
	for _, folder := range folders {
		below, _, err := listGolden(folder)
		if err != nil {
			return nil, err
		}
		if len(below.inputs)+len(below.outputs) > 0 {
			sets = append(sets, below)
		}
	}
	if len(sets) == 0 {
		return nil, fmt.Errorf("--golden %s: no input_0.pb with output_0.pb there, nor one folder below", dir)
	}
	return sets, nil
}

func listGolden(dir string) (set goldenSet, folders []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return set, nil, fmt.Errorf("--golden: %w", err)
	}
	set.dir = dir
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if e.IsDir() {
			folders = append(folders, path)
		} else {
			set.add(path)
		}
	}
	sortNumbered(folders)
	return set, folders, nil
}

// checkSets puts files in the order of their numbers and refuses sets that compare nothing.
func checkSets(sets []goldenSet) error {
	for i := range sets {
		s := &sets[i]
		if len(s.inputs) == 0 || len(s.outputs) == 0 {
			return fmt.Errorf("--golden %s: inputs and outputs are needed, there are %d and %d", s.dir, len(s.inputs), len(s.outputs))
		}
		sortNumbered(s.inputs)
		sortNumbered(s.outputs)
	}
	return nil
}

// sortNumbered puts input_2 before input_10.
func sortNumbered(paths []string) {
	slices.SortFunc(paths, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
	})
}
