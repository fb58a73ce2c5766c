package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/urfave/cli/v2"
)

func (p *program) versionCommand() *cli.Command {
	return &cli.Command{
		Name: "version", Usage: "print the version of this program",
		Description: "Example:\n  shardmill version",
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return badUsage("version", "version takes no arguments")
			}
			return p.version()
		},
	}
}

func (p *program) version() error {
	_, err := fmt.Fprintf(p.stdout, "shardmill %s, %s %s/%s\n", buildVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// buildVersion is the version of the module and the commit that this program was built from.
func buildVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return describeBuild(info)
}

func describeBuild(info *debug.BuildInfo) string {
	version, commit, changed := info.Main.Version, "", ""
	if version == "" || version == "(devel)" {
		version = "devel"
	}
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && len(s.Value) >= 12:
			commit = s.Value[:12]
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = "+changes"
		}
	}
	if commit == "" || strings.Contains(version, commit) {
		return version
	}
	return version + " (" + commit + changed + ")"
}
