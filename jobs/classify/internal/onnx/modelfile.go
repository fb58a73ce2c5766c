package onnx

import (
	"fmt"
	"io"
	"os"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// Opset is a set of operators that a model uses.
type Opset struct {
	Domain  string `json:"domain"` // "ai.onnx" is ONNX's own
	Version int64  `json:"version"`
}

// File is what a model file says of itself, beside its network.
type File struct {
	IRVersion       int64
	Producer        string
	ProducerVersion string
	Domain          string
	Version         int64
	Description     string
	Opsets          []Opset
	Custom          map[string]string   // the metadata_props
	External        []string            // files with weights, as the model names them: relative to its folder
	Axes            map[string][]string // of each input and output, the names of its dimensions, "" for those without
}

// maxText bounds a text that is read of a model file; a longer one is cut.
const maxText = 1 << 20

// ReadFile reads what a model file says of itself. It needs no library, and holds
// none of the weights in memory. Field numbers are those of onnx.proto3.
func ReadFile(path string) (File, error) {
	if err := readable(path); err != nil {
		return File{}, err
	}
	f, err := os.Open(path)
	if err != nil {
		return File{}, fmt.Errorf("model: %w", err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return File{}, fmt.Errorf("model: %w", err)
	}
	m, err := parseFile(f, info.Size())
	if err != nil {
		return File{}, fmt.Errorf("model %s: not an ONNX file: %w", path, err)
	}
	return m, nil
}

func parseFile(r io.ReaderAt, size int64) (File, error) {
	m := File{Custom: map[string]string{}, Axes: map[string][]string{}}
	s := &wire{r: r}
	err := s.each(span{0, size}, func(f wireField) error {
		switch f.num {
		case 1:
			m.IRVersion = int64(f.value)
		case 2:
			return s.text(f, &m.Producer)
		case 3:
			return s.text(f, &m.ProducerVersion)
		case 4:
			return s.text(f, &m.Domain)
		case 5:
			m.Version = int64(f.value)
		case 6:
			return s.text(f, &m.Description)
		case 7:
			return s.graph(f, &m, 0)
		case 8:
			return s.opset(f, &m)
		case 14:
			k, v, err := s.entry(f)
			m.Custom[k] = v
			return err
		}
		return nil
	})
	return m, err
}

// maxGraphs bounds how deep graphs lie in each other: a message in a message takes few bytes, and each level a part of the stack.
const maxGraphs = 64

// graph reads the names of dimensions, those of the outermost graph, and of external files. A graph may have others in its nodes.
func (s *wire) graph(f wireField, m *File, depth int) error {
	if depth > maxGraphs {
		return fmt.Errorf("more than %d graphs in each other", maxGraphs)
	}
	return s.each(f.span, func(f wireField) error {
		switch f.num {
		case 1:
			return s.node(f, m, depth)
		case 5:
			return s.tensor(f, m)
		case 11, 12:
			if depth == 0 {
				return s.port(f, m)
			}
		}
		return nil
	})
}

// node reads the attributes of a node, number 5, that are tensors and graphs: those of a constant, an If or a Loop.
func (s *wire) node(f wireField, m *File, depth int) error {
	return s.inside(wireField{num: 1, span: f.span}, []protowire.Number{1, 5}, func(f wireField) error {
		return s.each(f.span, func(f wireField) error {
			switch f.num {
			case 5, 10:
				return s.tensor(f, m)
			case 6, 11:
				return s.graph(f, m, depth+1)
			}
			return nil
		})
	})
}

// tensor notes the file of a tensor whose data lies outside.
func (s *wire) tensor(f wireField, m *File) error {
	location, external := "", false
	err := s.each(f.span, func(f wireField) error {
		switch f.num {
		case 13:
			k, v, err := s.entry(f)
			if k == "location" {
				location = v
			}
			return err
		case 14:
			external = f.value == 1
		}
		return nil
	})
	if err == nil && external && !slices.Contains(m.External, location) {
		m.External = append(m.External, location)
	}
	return err
}

// port reads a ValueInfoProto: name 1, type 2 { tensor 1 { shape 2 { dim 1 { value 1, param 2 } } } }.
func (s *wire) port(f wireField, m *File) error {
	var name string
	var axes []string
	err := s.each(f.span, func(f wireField) error {
		if f.num == 1 {
			return s.text(f, &name)
		}
		return s.inside(f, []protowire.Number{2, 1, 2, 1}, func(dim wireField) error {
			axes = append(axes, "")
			return s.each(dim.span, func(f wireField) error {
				if f.num == 2 {
					return s.text(f, &axes[len(axes)-1])
				}
				return nil
			})
		})
	})
	m.Axes[name] = axes
	return err
}

// inside calls do for each field that the path of numbers leads to, f's own first.
func (s *wire) inside(f wireField, path []protowire.Number, do func(wireField) error) error {
	if f.num != path[0] {
		return nil
	}
	if len(path) == 1 {
		return do(f)
	}
	return s.each(f.span, func(f wireField) error { return s.inside(f, path[1:], do) })
}

func (s *wire) opset(f wireField, m *File) error {
	o := Opset{Domain: "ai.onnx"}
	err := s.each(f.span, func(f wireField) error {
		switch f.num {
		case 1:
			var domain string
			err := s.text(f, &domain)
			if domain != "" {
				o.Domain = domain
			}
			return err
		case 2:
			o.Version = int64(f.value)
		}
		return nil
	})
	m.Opsets = append(m.Opsets, o)
	return err
}

// entry reads a StringStringEntryProto.
func (s *wire) entry(f wireField) (key, value string, err error) {
	err = s.each(f.span, func(f wireField) error {
		switch f.num {
		case 1:
			return s.text(f, &key)
		case 2:
			return s.text(f, &value)
		}
		return nil
	})
	return key, value, err
}
