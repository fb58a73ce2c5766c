package recommend_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shardmill/shardmill/jobs/internal/bench"
	"github.com/shardmill/shardmill/mapreduce/mrtest"
)

// ruleParams are rules that nearly all items pass, so that there is as much to score as without: an allow-list, a block-list, a comparison, and a limit of
// so many items of each of the brands.
func ruleParams(b *testing.B, items, most, brands int) map[string]any {
	b.Helper()
	dir := b.TempDir()
	var allow, block, attributes strings.Builder
	attributes.WriteString("item,price,brand\n")
	for i := range items {
		if i%50 != 7 {
			fmt.Fprintln(&allow, i)
		}
		if i%50 == 13 {
			fmt.Fprintln(&block, i)
		}
		fmt.Fprintf(&attributes, "%d,%d.5,brand-%d\n", i, i*7919%100, i*104729>>7%brands)
	}
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		mrtest.Write(b, path, []byte(text))
		return path
	}
	return map[string]any{
		"allow": file("allow.txt", allow.String()), "block": file("block.txt", block.String()), "items": file("items.csv", attributes.String()),
		"rule": []string{"price <= 98", fmt.Sprintf("max %d per brand", most)},
	}
}

// BenchmarkRulesOverScoring compares the CPU time of the stage score with rules and without, in turns, by models of the same training. Of 200 brands,
// 3 of each, few lists are other than without the limit. Of 20 brands, 1 of each, it bites: 13 items have 10 brands in half of the lists. Brands do not
// go with genres.
func BenchmarkRulesOverScoring(b *testing.B) {
	users, rounds := bench.Setting(b, "BENCH_USERS", 53_424), bench.Setting(b, "BENCH_ROUNDS", 3)
	of := crowd{users, 10_000, 118}
	path, _ := of.file(b)
	for b.Loop() {
		_, _ = fmt.Printf("\n%-36s medians  leasts  limit\n", "stage score with rules over without")
		for _, m := range []variant{
			{"als", "recommend", map[string]any{"algorithm": "als", "iterations": 1}},
			{"rp3beta", "recommend", map[string]any{"algorithm": "rp3beta"}},
			{"popularity", "recommend", map[string]any{"algorithm": "popularity"}},
		} {
			model := filepath.Join(b.TempDir(), "model")
			runRules(b, m, path, model, nil)
			var with, biting, without bench.Series
			m.params["model"] = model
			rules, tight := ruleParams(b, of.items, 3, 200), ruleParams(b, of.items, 1, 20)
			for range rounds {
				without = append(without, runRules(b, m, path, "", nil))
				with = append(with, runRules(b, m, path, "", rules))
				biting = append(biting, runRules(b, m, path, "", tight))
			}
			if err := os.RemoveAll(model); err != nil {
				b.Fatal(err)
			}
			ratio(b, fmt.Sprintf("rules:%s", m.name), "at most 1.15", with, without)
			ratio(b, fmt.Sprintf("rules that bite:%s", m.name), "none", biting, without)
			_, _ = fmt.Printf("  CPU s with %s, that bite %s, without %s\n", with, biting, without)
		}
	}
}

// runRules runs a job into a folder, or one that is removed, and returns what the stage score took.
func runRules(b *testing.B, m variant, in, dir string, rules map[string]any) float64 {
	b.Helper()
	params := map[string]any{}
	for _, of := range []map[string]any{m.params, rules} {
		for name, v := range of {
			params[name] = v
		}
	}
	keep := dir != ""
	if !keep {
		dir = filepath.Join(b.TempDir(), "job")
	}
	a, _ := bench.Call[benchTask, benchAnswer](b, "TestBenchChild", benchTask{Name: m.job, Job: &bench.Job{Params: params, Input: in, Dir: dir}})
	if a.Run.Refused != "" {
		b.Fatal(a.Run.Refused)
	}
	cpu := -1.
	for _, stage := range a.Run.Stages {
		if strings.HasSuffix(stage, "-score") {
			var err error
			if cpu, err = stageCPU(filepath.Join(dir, "stages", stage, "tasks")); err != nil {
				b.Fatal(err)
			}
		}
	}
	if !keep {
		if err := os.RemoveAll(dir); err != nil {
			b.Fatal(err)
		}
	}
	return cpu
}
