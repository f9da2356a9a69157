// Copyright The strongswan_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	_ "embed"
	"errors"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/version"
)

// usageTemplate is what --help prints: a line for each flag, under the heading of its group, and its meaning below.
const usageTemplate = `usage: {{.App.Name}} [<flags>]

{{.App.Help|Wrap 0}}
{{range .App.Flags|Groups}}{{.Title}}:
{{range .Flags}}  {{if .Short}}-{{Char .Short}}, {{end}}--{{FlagName .}}{{with FlagValue .}}={{.}}{{end}}
{{.Help|Wrap 8}}{{end}}
{{end}}{{EnvironmentHelp|Wrap 0}}`

const environmentHelp = "Flags other than --help and --version can be set by environment variables, too: --vici.address by " +
	"STRONGSWAN_EXPORTER_VICI_ADDRESS; the command line wins. The manual page has more: man strongswan_exporter, or --help-man."

// manTemplate is the manual page in mandoc's language, and what --help-man prints.
//
//go:embed packaging/man/strongswan_exporter.1.tmpl
var manTemplate string

// fishTemplate makes completions for fish, which kingpin, unlike those for bash and zsh, does not know.
//
//go:embed packaging/completions/strongswan_exporter.fish.tmpl
var fishTemplate string

// A flagGroup is a heading of the help with the flags below it.
type flagGroup struct {
	Title string
	Flags []*kingpin.FlagModel

	names *regexp.Regexp // of the flags that belong to it
}

// flagGroups are the headings, in the order of what users ask first. The last one takes what belongs to no other, so that the
// help is never short of a flag.
func flagGroups() []flagGroup {
	return []flagGroup{
		{Title: "What to do", names: regexp.MustCompile(`^(help|version|once|config\.check)$`)},
		{Title: "Which daemons to watch", names: regexp.MustCompile(`^vici\.`)},
		{Title: "Collectors", names: regexp.MustCompile(`^collector\.`)},
		{Title: "What to leave out", names: regexp.MustCompile(`^(connection|limit)\.`)},
		{Title: "Traffic totals", names: regexp.MustCompile(`^(state|looks)\.`)},
		{Title: "Scraping", names: regexp.MustCompile(`^scrape\.`)},
		{Title: "Web", names: regexp.MustCompile(`^web\.`)},
		{Title: "Logging", names: regexp.MustCompile(`^log\.`)},
		{Title: "Other", names: regexp.MustCompile(``)},
	}
}

// groupFlags returns the flags that are not hidden by group, without groups that have none.
func groupFlags(flags []*kingpin.FlagModel) []flagGroup {
	groups := flagGroups()
	for _, f := range flags {
		if f.Hidden {
			continue
		}
		i := slices.IndexFunc(groups, func(g flagGroup) bool { return g.names.MatchString(f.Name) })
		groups[i].Flags = append(groups[i].Flags, f)
	}
	return slices.DeleteFunc(groups, func(g flagGroup) bool { return len(g.Flags) == 0 })
}

// errPrinted ends the parsing of flags when one of them has been answered by a text.
var errPrinted = errors.New("printed")

// addHelp gives the application its help, its manual page, and completions for fish.
func addHelp(app *kingpin.Application) {
	app.HelpFlag.Short('h').NoEnvar().Help("Show this help.")
	app.VersionFlag.NoEnvar().Help("Show the version.")
	app.UsageTemplate(usageTemplate)
	app.UsageFuncs(template.FuncMap{
		"Groups":          groupFlags,
		"FlagName":        flagName,
		"FlagValue":       flagValue,
		"FlagNegatable":   negatable,
		"FlagFile":        func(f *kingpin.FlagModel) bool { return strings.HasSuffix(f.Name, ".file") },
		"FlagChoices":     flagChoices,
		"EnvironmentHelp": func() string { return environmentHelp },
		"Version":         func() string { return version.Version },
		"BuildDay":        buildDay,
		"Roff":            roff,
		"Fish":            fishQuoted,
	})
	app.Flag("completion-script-fish", "Generate completion script for fish.").Hidden().NoEnvar().Bool()
	app.PreAction(func(context *kingpin.ParseContext) error { return printText(app, context) })
}

// printText prints what one of the flags asks for, before kingpin's own action for it, which would end the process.
func printText(app *kingpin.Application, context *kingpin.ParseContext) error {
	texts := map[string]string{
		"help": usageTemplate, "help-long": usageTemplate, "help-man": manTemplate,
		"version": "{{.App.Version}}\n", "completion-script-fish": fishTemplate,
	}
	for _, element := range context.Elements {
		flag, ok := element.Clause.(*kingpin.FlagClause)
		if !ok {
			continue
		}
		if text, found := texts[flag.Model().Name]; found {
			return cmp.Or(app.UsageForContextWithTemplate(context, 2, text), errPrinted)
		}
	}
	return nil
}

// negatable reports whether somebody may want to turn the flag off: what is on by itself, and collectors, which the environment
// may have turned on.
func negatable(f *kingpin.FlagModel) bool {
	return f.IsBoolFlag() && (slices.Equal(f.Default, []string{"true"}) || strings.HasPrefix(f.Name, "collector."))
}

// flagName is the flag's name with what can be put before it.
func flagName(f *kingpin.FlagModel) string {
	if negatable(f) {
		return "[no-]" + f.Name
	}
	return f.Name
}

// flagValue is what the flag takes: its default, or a word for it where there is none.
func flagValue(f *kingpin.FlagModel) string {
	switch {
	case f.IsBoolFlag():
		return ""
	case f.PlaceHolder != "":
		return f.PlaceHolder
	default:
		return strings.Join(f.Default, " ")
	}
}

// flagChoices are the values that the flag can have, if its help names all of them, as promslog's does.
func flagChoices(f *kingpin.FlagModel) string {
	choices := regexp.MustCompile(`One of: \[([^]]*)\]`).FindStringSubmatch(f.Help)
	if choices == nil {
		return ""
	}
	return strings.ReplaceAll(choices[1], ",", "")
}

// buildDay is the day of the commit that the program was built from, if that is known.
func buildDay() string {
	day, err := time.Parse("20060102-15:04:05", version.BuildDate)
	if err != nil {
		return ""
	}
	return day.Format(time.DateOnly)
}

// roff makes text of a manual page: short lines, and hyphens that can be copied.
func roff(text string) string {
	const width = 76
	escape := strings.NewReplacer(`\`, `\e`, `-`, `\-`)
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = ""
		}
		line = strings.TrimPrefix(line+" "+escape.Replace(word), " ")
	}
	text = strings.Join(append(lines, line), "\n")
	// A point or quote at the beginning of a line would make it a request.
	return regexp.MustCompile(`(?m)^[.']`).ReplaceAllString(text, `\&$0`)
}

// fishQuoted makes a word of fish's language.
func fishQuoted(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
}
