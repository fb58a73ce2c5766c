package mapreduce_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/shardmill/shardmill/mapreduce"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// BenchmarkDriver runs a job of 40 scans, 40 maps and 30 reduces of few rows in child processes: what is left is the cost of
// tasks. It reports the processor time of the driver, which is this process, and of its workers.
func BenchmarkDriver(b *testing.B) {
	text := numbersOf(2000)
	dir := mrtest.Inputs(b, text)
	cpu := func(who int) float64 {
		var u unix.Rusage
		if err := unix.Getrusage(who, &u); err != nil {
			b.Fatal(err)
		}
		return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e6
	}
	driver, workers := cpu(unix.RUSAGE_SELF), cpu(unix.RUSAGE_CHILDREN)
	var tasks int
	for b.Loop() {
		cfg := base(b, dir)
		cfg.Partitions, cfg.Params = 30, []byte(params(b, numbersParams{InPlace: true, Bytes: int64(len(text)+39) / 40}))
		s := mrtest.Run(b, options(), numbersJob(), cfg, mapreduce.ExitComplete)
		for _, st := range s.Stages {
			tasks += st.Tasks
		}
	}
	b.ReportMetric((cpu(unix.RUSAGE_SELF)-driver)/float64(tasks), "driver-ms/task")
	b.ReportMetric((cpu(unix.RUSAGE_CHILDREN)-workers)/float64(tasks), "worker-ms/task")
	b.ReportMetric(float64(tasks)/float64(b.N), "tasks")
}
