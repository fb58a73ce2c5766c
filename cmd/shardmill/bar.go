package main

import (
	"fmt"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/shardmill/shardmill/mapreduce"
)

// bars shows a stage on a terminal as a bar over the rows that are to be done, and then, while it
// reduces, as a bar over tasks.
type bars struct {
	p    *program
	quit chan struct{}
	done sync.WaitGroup

	mu      sync.Mutex // the clock's goroutine renders too
	bar     *progressbar.ProgressBar
	name    string
	base    int64 // done before: what an earlier run did gives no speed
	moving  bool  // there is a rate to predict with
	byTasks bool
}

// barTick is how often the clock on a bar moves.
const barTick = time.Second

func newBars(p *program) *bars {
	b := &bars{p: p, quit: make(chan struct{})}
	b.done.Go(b.tick)
	return b
}

func (b *bars) tick() {
	t := time.NewTicker(barTick)
	defer t.Stop()
	for {
		select {
		case <-b.quit:
			return
		case <-t.C:
			b.mu.Lock()
			if b.bar != nil {
				_ = b.bar.RenderBlank() // it is only shown
			}
			b.mu.Unlock()
		}
	}
}

func (b *bars) event(e mapreduce.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e.Kind {
	case mapreduce.EventStart:
	case mapreduce.EventStage:
		b.leave()
		b.show(e)
	case mapreduce.EventProgress:
		b.show(e)
	case mapreduce.EventJob: // at its end a bar that is not full stays above
		b.leave()
		b.p.say("%s", eventText(e))
	default:
		b.above(eventText(e))
	}
}

// above prints a line above the bar.
func (b *bars) above(text string) {
	if b.bar != nil {
		_ = b.bar.Clear()
	}
	b.p.say("%s", text)
	if b.bar != nil {
		_ = b.bar.RenderBlank()
	}
}

// show moves the bar, or starts the one that fits.
func (b *bars) show(e mapreduce.Event) {
	byTasks := e.Total == 0 || e.Rows == e.Total
	if b.bar != nil && b.byTasks != byTasks {
		b.set(e) // the last rows
		b.leave()
	}
	if b.bar == nil {
		b.begin(e, byTasks)
	}
	b.set(e)
}

func (b *bars) begin(e mapreduce.Event, byTasks bool) {
	b.byTasks, b.base, b.moving, b.name = byTasks, e.Rows, false, e.Stage
	left, unit := e.Total-e.Rows, "rows"
	if byTasks {
		b.base, left, unit = int64(e.Done), int64(e.Tasks-e.Done), "tasks"
		if e.Total > 0 {
			b.name += " reduce"
		}
	}
	if left == 0 {
		return
	}
	b.bar = progressbar.NewOptions64(left,
		progressbar.OptionSetWriter(b.p.stderr), progressbar.OptionSetWidth(barWidth(b.p, b.name, unit, left)), progressbar.OptionSetTheme(progressbar.ThemeASCII),
		progressbar.OptionShowCount(), progressbar.OptionSetItsString(unit),
		progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(true), progressbar.OptionShowElapsedTimeOnFinish(),
		progressbar.OptionSetDescription(b.name), progressbar.OptionThrottle(100*time.Millisecond))
	_ = b.bar.RenderBlank()
}

// barWidth is the width of a bar whose line fits the terminal, with a speed of seven digits and some hours to go.
func barWidth(p *program, name, unit string, n int64) int {
	width := terminalWidth(p.stderr)
	if width == 0 {
		width = columns
	}
	line := fmt.Sprintf("%s 100%% [] (%d/%d, 1234567 %s/s) [1h2m3s:1h2m3s] ", name, n, n, unit)
	return min(max(width-len(line)-1, 6), 24)
}

// set moves the bar to where an event is.
func (b *bars) set(e mapreduce.Event) {
	if b.bar == nil {
		return
	}
	at := e.Rows - b.base
	if b.byTasks {
		at = int64(e.Done) - b.base
	} else if e.Rows > e.Total {
		at = e.Total - b.base
	}
	if at > 0 && !b.moving {
		b.moving = true
		progressbar.OptionSetPredictTime(true)(b.bar)
		progressbar.OptionShowIts()(b.bar)
	}
	_ = b.bar.Set64(max(at, 0))
	if b.bar.IsFinished() {
		b.leave()
	}
}

// leave ends the bar's line.
func (b *bars) leave() {
	if b.bar != nil {
		_, _ = b.p.stderr.Write([]byte("\n"))
	}
	b.bar = nil
}

func (b *bars) end() {
	close(b.quit)
	b.done.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.leave()
}
