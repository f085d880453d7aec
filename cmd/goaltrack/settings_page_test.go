package main

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/settings"
)

var writePage = flag.Bool("write-page", false, "write docs/settings.md, as go generate does")

const settingsPage = "../../docs/settings.md"

// TestSettingsPage: docs/settings.md is what the table makes of it.
func TestSettingsPage(t *testing.T) {
	want := makeSettingsPage()
	if *writePage {
		if err := os.WriteFile(settingsPage, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(settingsPage)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("docs/settings.md is not what the table of settings says. Run: go generate ./cmd/goaltrack")
	}
}

// makeSettingsPage writes the page: what is true of all settings, and a table for
// each command.
func makeSettingsPage() string {
	var b strings.Builder
	b.WriteString(settingsIntroduction)
	section := func(title, text, column string, keep func(settings.Setting) bool) {
		b.WriteString("\n## " + title + "\n\n")
		if text != "" {
			b.WriteString(text + "\n\n")
		}
		b.WriteString(table.Page(column, column == "setting", keep))
	}
	of := func(command string) func(settings.Setting) bool {
		return func(s settings.Setting) bool { return slices.Contains(s.Commands, command) }
	}
	section("goaltrack proxy", "", "setting", of("proxy"))
	section("Several sites", settingsOfSites, "key", func(s settings.Setting) bool { return s.Group == "sites" })
	section("Several environments", settingsOfEnvironments, "key", func(s settings.Setting) bool { return s.Group == "environments" })
	section("goaltrack doctor", settingsOfDoctor, "setting", func(s settings.Setting) bool {
		return of("doctor")(s) && !of("proxy")(s)
	})
	section("goaltrack announce", settingsOfAnnounce, "setting", func(s settings.Setting) bool {
		return of("announce")(s) && !of("proxy")(s) && !of("doctor")(s)
	})
	section("goaltrack forget", settingsOfForget, "setting", func(s settings.Setting) bool {
		return of("forget")(s) && !of("proxy")(s)
	})
	b.WriteString("\n## The other commands\n\nThey take flags alone.\n")
	for _, c := range commands() {
		if table.Reads(c.name) || !slices.ContainsFunc(table.Rows, of(c.name)) {
			continue
		}
		b.WriteString("\n### goaltrack " + c.name + "\n\n" + table.Page("flag", false, of(c.name)))
	}
	return b.String()
}

const settingsIntroduction = `<!-- Made by "go generate ./cmd/goaltrack" from cmd/goaltrack/table.go. Do not edit. -->

# Settings of the command

` + "`goaltrack proxy`, `doctor`, `announce` and `forget` take each setting in three ways: as a flag (`--client-key KEY`), in the environment\n" +
	"(`GOALTRACK_CLIENT_KEY=KEY`), and in the file that `--config` names (`client-key: KEY`). A flag wins over the\n" +
	"environment, and the environment wins over the file. `goaltrack settings` takes the same settings. It shows what holds,\n" +
	"and where it comes from.\n" + `
- **Flags** may begin with one dash or two. An empty flag (` + "`--pos=`" + `) brings back the default. An empty variable is none.
- **Blanks** at both ends of a value do not count, nor do line breaks there. A value with quotes at both ends is
  refused. So is one with a control character, or a character that cannot be seen. The message says which setting it is
  and where it stands.
- **Variables** that begin with ` + "`GOALTRACK_`" + ` and are spelled almost like a setting are refused. All others are ignored,
  such as those that Kubernetes makes for a service called goaltrack (` + "`GOALTRACK_PORT`, `GOALTRACK_SERVICE_HOST`" + `).
- **The file** is in YAML. A key that is no setting is refused. The names of files are relative to it.
- **A list** has commas between its entries. In the file it may be a list of YAML, too.
- **A time** is a number with a unit: ` + "`100ms`, `20s`, `30m`, `72h`, `400d`" + `.
- **A size** is a number of bytes, or has a unit: ` + "`512MiB`, `1GB`" + `.
- **A switch** is on as ` + "`--watch`, `GOALTRACK_WATCH=true` or `watch: true`; `--watch=false`" + ` turns it off.
- **A secret** is never shown. Give it in the environment or in the file: others on the machine can see flags.

` + "`goaltrack completion bash`, `zsh` or `fish`" + ` prints a script that lets the shell complete commands, flags and values.
`

const settingsOfSites = "The file may list several sites under `sites:`. Each entry has the settings below. It may also have `region`, `cdp`,\n" +
	"`cdp-plain-http`, `client-key`, `pos`, `context-id`, `site-name`, `language`, `currency`, `channel`, `data-model`, `time-zone` and\n" +
	"`session-length`. Those of the proxy are their defaults."

const settingsOfEnvironments = "The file may list environments under `environments:`, so that one file serves all. The entry that `--env` names is in\n" +
	"force and wins over the rest of the file; flags and the environment's variables win over it. Each entry has the setting\n" +
	"below, and those that an entry of `sites:` may have beside its own. If a key that is in force stands under another\n" +
	"environment, the proxy and `goaltrack announce` warn:\n\n" +
	"```yaml\nregion: eu\npos: shop\nenvironments:\n  - env: production\n    client-key: psfu6uh05hsr9c34rptlr06dn864cqrx\n  - env: staging\n    client-key: qwr7xk2mdjh1t9v04c8sz35b6n4aypge\n```"

const settingsOfDoctor = "It takes these, and of the settings above `region`, `cdp`, `cdp-plain-http`, `client-key`, `pos`, `context-id`,\n" +
	"`site-name`, `session-length` and `config`. Its file may be that of the proxy."

const settingsOfAnnounce = "It takes this, and of the settings above `region`, `cdp`, `cdp-plain-http`, `client-key`, `pos`, `context-id`,\n" +
	"`site-name`, `env`, `language`, `currency`, `channel`, `timeout` and `config`. Its file may be that of the proxy."

const settingsOfForget = "It takes these, and of the settings above `spool`, `state`, `keys` and `config`. Its file may be that of the proxy."
