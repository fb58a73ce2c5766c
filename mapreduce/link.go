package mapreduce

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// maxStages is how many stages three digits can count.
const maxStages = 1000

// stageFolder is the name of the folder of stage i of n. Names sort by number: all have two digits, or three where
// there are more than a hundred stages, such as the half-steps of many iterations.
func stageFolder(i, n int, name string) string {
	if n > 100 {
		return fmt.Sprintf("%03d-%s", i, name)
	}
	return fmt.Sprintf("%02d-%s", i, name)
}

// link names the stages of a job, puts those of the source in front, and numbers each stage's ports.
func link(stages []Stage) ([]Stage, error) {
	if len(stages) == 0 {
		return nil, errors.New("the job has no stages")
	}
	src := stages[0].src
	if src == nil {
		return nil, fmt.Errorf("stage %s: the first stage maps a Source", stages[0].Name)
	}
	front, err := src.stages()
	if err != nil {
		return nil, err
	}
	stages = append(front, stages...)
	if len(stages) > maxStages {
		return nil, fmt.Errorf("the job has %d stages, more than %d", len(stages), maxStages)
	}
	written := map[string]bool{} // datasets of the stages before
	streams := map[Port]bool{}   // of these
	for i := range stages {
		s := &stages[i]
		s.folder = stageFolder(i, len(stages), s.Name)
		if s.Timeout == 0 {
			s.Timeout = defaultTimeout
		}
		if s.src != nil && s.src != src {
			return nil, fmt.Errorf("stage %s: a job has one source", s.Name)
		}
		if s.inPlace() {
			s.input = ""
		}
		if err := s.link(written); err != nil {
			return nil, fmt.Errorf("stage %s: %w", s.Name, err)
		}
		for _, st := range s.streams {
			if like := st.partitionsOf(); like != nil && !streams[like] {
				return nil, fmt.Errorf("stage %s: stream %s: PartitionsOf is %s, which is no stream of an earlier stage", s.Name, st.portName(), like.portName())
			}
		}
		for _, st := range s.streams {
			streams[st] = true
		}
	}
	return stages, nil
}

// link checks the stage's names and what it reads, and numbers its ports.
func (s *Stage) link(written map[string]bool) error {
	reads := slices.Clone(s.Reads)
	if s.input != "" {
		reads = append(reads, named(s.input))
	}
	for _, p := range reads {
		if !written[p.portName()] {
			return fmt.Errorf("dataset %s: it is read, and no earlier stage writes it", p.portName())
		}
	}
	if err := s.bindPorts(); err != nil {
		return err
	}
	names := []string{s.Name}
	for _, st := range s.streams {
		names = append(names, st.portName())
	}
	for _, d := range s.datasets {
		names = append(names, d.portName())
		if written[d.portName()] {
			return fmt.Errorf("dataset %s: written by two stages, or two datasets of one name", d.portName())
		}
		written[d.portName()] = true
	}
	return checkNames(names)
}

// named is a port of which only the name is known.
type named string

func (n named) portName() string { return string(n) }

// checkNames refuses what cannot be the name of a folder: names are letters, digits, '-' and '_'.
func checkNames(names []string) error {
	for _, n := range names {
		bad := strings.IndexFunc(n, func(r rune) bool {
			return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-' && r != '_'
		})
		if n == "" || bad >= 0 {
			return fmt.Errorf("%q is not a name: use letters, digits, - and _", n)
		}
	}
	return nil
}

func (s *Stage) bindPorts() error {
	for _, p := range s.writes {
		var err error
		switch p := p.(type) {
		case streamPort:
			err = s.addStream(p)
		case datasetPort:
			err = s.addDataset(p)
		default:
			err = fmt.Errorf("%s is neither a Stream nor a Dataset", p.portName())
		}
		if err != nil {
			return err
		}
	}
	for _, st := range s.streams {
		for _, p := range st.writes() {
			d, ok := p.(datasetPort)
			if !ok {
				return fmt.Errorf("stream %s: %s is not a Dataset", st.portName(), p.portName())
			}
			if err := s.addDataset(d); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Stage) addStream(p streamPort) error {
	for _, old := range s.streams {
		if old.portName() == p.portName() {
			return fmt.Errorf("stream %s: two streams of one name", p.portName())
		}
	}
	s.streams = append(s.streams, p)
	return p.bind(len(s.streams) - 1)
}

func (s *Stage) addDataset(d datasetPort) error {
	for _, old := range s.datasets {
		if old == d {
			return nil
		}
	}
	s.datasets = append(s.datasets, d)
	return d.bind(len(s.datasets) - 1)
}
