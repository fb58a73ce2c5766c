package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/shardmill/shardmill/jobs"
	"github.com/shardmill/shardmill/jobs/classify"
	"github.com/shardmill/shardmill/jobs/recommend"
	"github.com/shardmill/shardmill/mapreduce"
)

const showText = `
Prints the first rows of a job's results. Of classify: the labels with their
numbers of images and the best images of each. Of rank: the first rows of the
first parts. Of recommend: the first rows of recommendations and similar_items.
Of evaluate: the configurations, best first, the winner on the test part and its
command line. Of wordcount: the most frequent words.

Of classify it answers questions, and reads only the files and row groups that
can hold the answer:
  --label NAME    the images whose first label that is: the surest ones (--best,
                  by score down, then id), or with --uncertain those of the
                  lowest score. The name may be a label_id. A name that several
                  labels have shows the images of each.
  --image ID      all ranks of an image with its status, or its reject with the
                  reason, or that a rule dropped it. Which images were dropped
                  is known while the shards are there (--keep-intermediate).
  --evaluation    how right the first labels are, where labels were given.

Of recommend, too, only what can hold the answer is read:
  --user ID       the list of a user, with the user's items that made each
  --item ID       the items near an item

Of any job, also before it has ended:
  --rejects       the rejects in order of the input, one a line: file, line, id
                  and reason.

With --json it prints one object. Its members are the tables, each an array of
rows: "labels", "ranked", "counts", "groups", "rejects"; with --image they are
"id", "outcome" (classified, rejected, dropped), "ranks", "rejects", "rules".
Of recommend they are "recommendations" and "similar_items"; of evaluate "pick",
"configurations" and "winner".

Examples:
  shardmill show job
  shardmill show --label tabby --uncertain --rows 5 job
  shardmill show --image cat-17.jpg job
  shardmill show --evaluation job
  shardmill show --user 42 job
  shardmill show --rejects job
`

func (p *program) showCommand() *cli.Command {
	return &cli.Command{
		Name: "show", Usage: "print results of a job: first rows, a label, an image, a user",
		ArgsUsage: "JOB", Description: showText,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "label", Usage: "`NAME`images whose first label is this: its name or label_id"},
			&cli.BoolFlag{Name: "best", Usage: "with --label: the images of the highest score (the default)"},
			&cli.BoolFlag{Name: "uncertain", Usage: "with --label: the images of the lowest score"},
			&cli.StringFlag{Name: "image", Usage: "`ID`what became of an image"},
			evaluationFlag(),
			&cli.StringFlag{Name: "user", Usage: "`ID`what is recommended to a user"},
			&cli.StringFlag{Name: "item", Usage: "`ID`what is near an item"},
			&cli.BoolFlag{Name: "rejects", Usage: "the rejected rows, with file, line and reason"},
			&cli.IntFlag{Name: "rows", Aliases: []string{"n"}, Value: 20, Usage: "`N`rows at most, also -n (default: 20)"},
			&cli.BoolFlag{Name: "json", Usage: "print one JSON object"},
		},
		Action: func(c *cli.Context) error {
			dir, err := jobArgument(c)
			if err == nil {
				err = checkShow(c)
			}
			switch {
			case err != nil:
				return err
			case c.Bool("evaluation"):
				return p.showEvaluation(dir, c.Int("rows"), c.Bool("json"))
			case c.Bool("rejects"):
				return p.showRejects(dir, c.Int("rows"), c.Bool("json"))
			case c.IsSet("image"):
				return p.showImage(dir, c.String("image"), c.Bool("json"))
			}
			return p.show(dir, jobs.View{
				Label: c.String("label"), User: c.String("user"), Item: c.String("item"), Rows: c.Int("rows"), Uncertain: c.Bool("uncertain"),
			}, c.Bool("json"))
		},
	}
}

// checkShow refuses flags that contradict each other.
func checkShow(c *cli.Context) error {
	questions := 0
	for _, name := range []string{"label", "image", "rejects", "evaluation", "user", "item"} {
		if c.IsSet(name) {
			questions++
		}
	}
	switch {
	case c.Int("rows") < 1:
		return badUsage("show", "--rows: at least 1 is needed")
	case c.IsSet("label") && c.String("label") == "":
		return badUsage("show", "--label: a label is needed")
	case c.IsSet("image") && c.String("image") == "":
		return badUsage("show", "--image: an id is needed")
	case c.IsSet("user") && c.String("user") == "", c.IsSet("item") && c.String("item") == "":
		return badUsage("show", "--user and --item: an id is needed")
	case questions > 1:
		return badUsage("show", "--label, --image, --rejects, --evaluation, --user and --item are different questions: ask one at a time")
	case c.Bool("best") && c.Bool("uncertain"):
		return badUsage("show", "--best and --uncertain: only one of them")
	case (c.Bool("best") || c.Bool("uncertain")) && !c.IsSet("label"):
		return badUsage("show", "--best and --uncertain: which label, say with --label")
	}
	return nil
}

// showRejects prints the rejects of a job in any state.
func (p *program) showRejects(dir string, n int, asJSON bool) error {
	s, err := readStatus(dir)
	if err != nil {
		return err
	}
	rows, more, err := jobs.Rejects(dir, n)
	switch {
	case err != nil:
		return err
	case asJSON:
		if rows == nil {
			rows = []jobs.RejectRow{}
		}
		return writeIndented(p.stdout, map[string][]jobs.RejectRow{"rejects": rows})
	case len(rows) == 0:
		_, err = fmt.Fprintln(p.stdout, "no row was rejected")
		return err
	}
	title := counted(int64(len(rows)), "reject")
	if more {
		title = fmt.Sprintf("the first %d of %s that were rejected", len(rows), counted(s.Rows.Rejected, "row"))
	}
	var b strings.Builder
	b.WriteString(title + "\n")
	for _, r := range rows {
		if width := terminalWidth(p.stdout); width > 0 {
			writeWrapped(&b, " ", r.Text(), width, 6)
		} else {
			b.WriteString("  " + oneLine(r.Text()) + "\n")
		}
	}
	_, err = io.WriteString(p.stdout, b.String())
	return err
}

// showImage prints what became of an image.
func (p *program) showImage(dir, id string, asJSON bool) error {
	s, err := readStatus(dir)
	if err == nil {
		err = standing(s, dir)
	}
	if err != nil {
		return err
	}
	image, err := jobs.ShowImage(dir, id)
	switch {
	case err != nil:
		return showError(err, dir)
	case asJSON:
		return writeIndented(p.stdout, image)
	}
	var lines []pair
	for _, f := range image.Facts() {
		lines = append(lines, pair{f[0], f[1]})
	}
	err = writeLines(p.stdout, lines)
	if err == nil && len(image.Ranks) > 0 {
		err = writeTable(p.stdout, image.Table(), terminalWidth(p.stdout))
	}
	return err
}

func (p *program) show(dir string, v jobs.View, asJSON bool) error {
	s, err := readStatus(dir)
	if err == nil {
		err = standing(s, dir)
	}
	if err != nil {
		return err
	}
	v.Out = filepath.Join(dir, mapreduce.ResultsOut)
	if s.Job == recommend.EvaluationJob().Name() && v == (jobs.View{Out: v.Out, Rows: v.Rows}) {
		return p.showCompared(s.Job, dir, v, asJSON)
	}
	tables, err := jobs.Show(s.Job, v)
	if err != nil {
		return showError(err, dir)
	}
	if asJSON {
		return writeIndented(p.stdout, byName(tables))
	}
	for i, t := range tables {
		if i > 0 {
			if _, err := io.WriteString(p.stdout, "\n"); err != nil {
				return err
			}
		}
		if err := writeTable(p.stdout, t, terminalWidth(p.stdout)); err != nil {
			return err
		}
	}
	return nil
}

// standing is an error if a job has no results to show.
func standing(s mapreduce.Status, dir string) error {
	e := &exitError{code: mapreduce.ExitFailed, err: fmt.Errorf("%s has no results yet", dir)}
	switch {
	case s.Results == mapreduce.ResultsOut:
		return nil
	case s.Results == mapreduce.ResultsHeld:
		e.err = fmt.Errorf("the results of %s are held back in %s: too many rows were rejected", dir, filepath.Join(dir, mapreduce.ResultsHeld))
		e.hint = fmt.Sprintf("Look at %s, then: shardmill rerun --max-rejects P%% %s", filepath.Join(dir, "rejects"), dir)
	case s.Driver != "":
		e.hint = fmt.Sprintf("It is running. How far it is: shardmill status %s", dir)
	default:
		e.hint = fmt.Sprintf("Continue it: shardmill rerun %s", dir)
	}
	return e
}

func showError(err error, dir string) error {
	var unknown *jobs.UnknownError
	var label *classify.LabelError
	var image *jobs.ImageError
	var id *recommend.UnknownIDError
	switch {
	case errors.As(err, &unknown):
		return badUsage("show", "%w", err)
	case errors.As(err, &id):
		return &exitError{
			code: mapreduce.ExitUsage, err: fmt.Errorf("%s: %w", dir, err),
			hint: fmt.Sprintf("Users and items are in %s and %s, unless all their rows were rejected or dropped.", filepath.Join(dir, "out", "users"), filepath.Join(dir, "out", "items")),
		}
	case errors.As(err, &image):
		return &exitError{code: mapreduce.ExitUsage, err: err, hint: "An id is what the column id of predictions has: that of --id-col, or else the path as it was given."}
	case errors.As(err, &label):
		return &exitError{code: mapreduce.ExitUsage, err: err, hint: fmt.Sprintf("The labels that there are: shardmill show %s", dir)}
	}
	return err
}

// byName collects the rows of tables of the same dataset.
func byName(tables []jobs.Table) map[string][]jobs.Row {
	m := map[string][]jobs.Row{}
	for _, t := range tables {
		m[t.Name] = append(append([]jobs.Row{}, m[t.Name]...), t.Rows...)
	}
	return m
}
