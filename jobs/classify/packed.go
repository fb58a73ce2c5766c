package classify

import (
	"context"
	"slices"

	"github.com/shardmill/shardmill/mapreduce"
)

// listPacked lists a file that has images in it, a tar archive or Parquet; ok is false for any other file.
func listPacked(p Params, l *mapreduce.Lister, meta *Meta, e mapreduce.Entry) (ok bool, err error) {
	switch {
	case isTar(e.Name):
		return true, listTar(p, l, meta, e)
	case !isParquet(e.Name):
		return false, checkUnpacked(e.Name)
	}
	columns, ok, err := p.findBytes(e.Path, e.Name)
	if !ok || err != nil {
		return ok, err
	}
	meta.Inline = true
	meta.carry(columns.carried)
	return true, l.File(e.Name, e.Path)
}

// readPacked reads a file that listPacked listed; ok is false for any other.
func readPacked(ctx context.Context, p Params, env *mapreduce.Env, rg mapreduce.Range, rows *mapreduce.Rows[image]) (ok bool, err error) {
	switch {
	case isTar(rg.Path):
		return true, readTar(ctx, p, env, rg, rows)
	case !isParquet(rg.Path):
		return false, nil
	}
	columns, ok, err := p.findBytes(rg.Path, rg.Name)
	if !ok || err != nil {
		return ok, err
	}
	return true, readBytes(ctx, p, env, rg, columns, rows)
}

// carry adds names to those of carried columns.
func (m *Meta) carry(names []string) {
	for _, name := range names {
		if !slices.Contains(m.Carried, name) {
			m.Carried = append(m.Carried, name)
		}
	}
}
