package recommend

import (
	"errors"
	"fmt"
	"slices"

	"github.com/shardmill/shardmill/jobs/internal/rules"
	"github.com/shardmill/shardmill/mapreduce"
)

// ServingOptions are the rules by which lists are served. They say nothing of what is learned. Files are absolute paths; "" is none.
type ServingOptions struct {
	Seen       string   `json:"seen,omitempty"`        // exclude, its default, or include: whether a list has what the user has
	Allow      string   `json:"allow,omitempty"`       // file of items: only these are listed
	Block      string   `json:"block,omitempty"`       // file of items that are never listed
	BlockPairs string   `json:"block-pairs,omitempty"` // file of users and items that are never listed for them
	Users      string   `json:"users,omitempty"`       // file of users: only these have lists
	Items      string   `json:"items,omitempty"`       // file of the attributes of items
	Rules      []string `json:"rule,omitempty"`        // of attributes, as package rules reads them
	MinHistory int64    `json:"min-history,omitempty"` // items that a user must have for a list of their own; others get the most popular items
}

// Whether lists have what the user has.
const (
	excludeSeen = "exclude"
	includeSeen = "include"
)

// checkServing finds rules that no run can use, without opening a file.
func (p *Params) checkServing() error {
	switch {
	case !slices.Contains([]string{"", excludeSeen, includeSeen}, p.Seen):
		return fmt.Errorf("--seen %q: %s or %s", p.Seen, excludeSeen, includeSeen)
	case p.MinHistory < 0:
		return errors.New("--min-history: not below 0")
	case len(p.Rules) > 0 && p.Items == "":
		return errors.New("--rule needs the attributes of the items: give --items")
	case len(p.Rules) == 0 && p.Items != "":
		return errors.New("--items needs a --rule, such as --rule 'price <= 20'")
	}
	for _, text := range p.Rules {
		if _, err := rules.Parse(text); err != nil {
			return fmt.Errorf("--rule %q: %w", text, err)
		}
	}
	return nil
}

// comparisons and limits are the rules of attributes, whose texts have been checked.
func (p *Params) comparisons() []rules.Rule {
	return p.rulesOf(func(op rules.Op) bool { return op != rules.Max })
}

func (p *Params) limits() []rules.Rule {
	return p.rulesOf(func(op rules.Op) bool { return op == rules.Max })
}

func (p *Params) rulesOf(is func(rules.Op) bool) (list []rules.Rule) {
	for _, text := range p.Rules {
		if r, err := rules.Parse(text); err == nil && is(r.Op) {
			list = append(list, r)
		}
	}
	return list
}

// attributes are the columns that rules need, each once.
func (p *Params) attributes() (columns []string) {
	for _, r := range append(p.comparisons(), p.limits()...) {
		if !slices.Contains(columns, r.Column) {
			columns = append(columns, r.Column)
		}
	}
	return columns
}

// picks tells whether rules keep some items from all lists.
func (p *Params) picks() bool { return p.Allow != "" || p.Block != "" || len(p.comparisons()) > 0 }

// rulesFromFiles tells whether rules are made of files.
func (p *Params) rulesFromFiles() bool {
	return p.Allow != "" || p.Block != "" || p.BlockPairs != "" || p.Users != "" || p.Items != ""
}

// hasRules tells whether a list is other than the best items that the user has not.
func (p *Params) hasRules() bool { return p.rulesFromFiles() || p.Seen == includeSeen }

// ruleFiles are the files that rules are made of, part of the job's identity. What their first bytes tell is checked.
func (j *recommendation) ruleFiles() (list []mapreduce.File, err error) {
	for _, f := range j.params.listFiles() {
		if _, err := f.columns(); err != nil {
			return nil, f.failed(err)
		}
		list = append(list, mapreduce.File{Role: "--" + f.flag + " file", Path: f.path})
	}
	return list, nil
}

// files are those that the results depend on besides the input.
func (j *recommendation) files() ([]mapreduce.File, error) {
	var list []mapreduce.File
	if j.params.Model != "" {
		files, err := j.modelFiles()
		if err != nil {
			return nil, err
		}
		list = files
	}
	files, err := j.ruleFiles()
	return append(list, files...), err
}
