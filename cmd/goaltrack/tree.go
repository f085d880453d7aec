package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/settings"
)

// These are the annotations of our commands, for their help.
const (
	operandsKey = "operands"
	aboutKey    = "about"
	noteKey     = "note"
)

// tree makes the commands. Beside them are cobra's own: completion, and what a
// shell asks for it.
func (in *invocation) tree(list []command) *cobra.Command {
	root := &cobra.Command{
		Use: "goaltrack", Short: "goaltrack turns what already happens on a site into Sitecore CDP goals.", Version: version(),
		SilenceErrors: true, SilenceUsage: true,
	}
	root.SetOut(in.stdout)
	root.SetErr(in.stderr)
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { say(in.stdout, "%s", help(cmd)) })
	root.SetVersionTemplate("goaltrack {{.Version}}\n")
	for _, c := range list {
		root.AddCommand(in.branch(&c))
	}
	root.AddCommand(&cobra.Command{
		Use: "version", Short: "say which version this is", FParseErrWhitelist: cobra.FParseErrWhitelist{UnknownFlags: true},
		Run: func(*cobra.Command, []string) { say(in.stdout, "goaltrack %s\n", version()) },
	})
	root.InitDefaultHelpFlag()
	root.InitDefaultVersionFlag()
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	return root
}

// branch makes one command.
func (in *invocation) branch(c *command) *cobra.Command {
	cmd := &cobra.Command{
		Use: c.name, Short: c.summary, DisableFlagsInUseLine: true,
		Annotations: map[string]string{operandsKey: c.operands.value, aboutKey: c.operands.about, noteKey: c.note},
		Args:        cobra.ArbitraryArgs, // which are counted with all other faults
		Run: func(cmd *cobra.Command, words []string) {
			in.runCommand(cmd.Context(), c, cmd.Flags(), words)
		},
		ValidArgsFunction: c.operands.complete,
	}
	table.Define(c.name, cmd.Flags())
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if s := settings.Of(f); s.Kind != settings.Switch {
			_ = cmd.RegisterFlagCompletionFunc(f.Name, completionOf(s)) // it is there, and only once
		}
	})
	return cmd
}

// completionOf completes the value of a flag.
func completionOf(s *settings.Setting) cobra.CompletionFunc {
	directive := cobra.ShellCompDirectiveNoFileComp
	switch s.Kind {
	case settings.File:
		directive = cobra.ShellCompDirectiveDefault
	case settings.Dir:
		directive = cobra.ShellCompDirectiveFilterDirs
	}
	return cobra.FixedCompletions(s.OneOf, directive)
}

// complete completes operands: words that the help lists, or else files.
func (o *operands) complete(_ *cobra.Command, words []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	verbs, _, _ := strings.Cut(o.value, " ")
	switch {
	case o.value == "" || o.max > 0 && len(words) >= o.max:
		return nil, cobra.ShellCompDirectiveNoFileComp
	case len(words) == 0 && strings.Contains(verbs, "|"):
		return strings.Split(verbs, "|"), cobra.ShellCompDirectiveNoFileComp
	}
	return nil, cobra.ShellCompDirectiveDefault
}

// helpWidth is how many characters a line of the help may have.
const helpWidth = 120

// help returns what --help prints.
func help(cmd *cobra.Command) string {
	var b strings.Builder
	switch {
	case cmd.HasAvailableSubCommands():
		fmt.Fprintf(&b, "%s\n\nCommands:\n", cmd.Short)
		width := 0
		for _, c := range cmd.Commands() {
			width = max(width, len(c.CommandPath()))
		}
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				fmt.Fprintf(&b, "  %-*s  %s\n", width, c.CommandPath(), c.Short)
			}
		}
		fmt.Fprintf(&b, "\nRun \"%s COMMAND --help\" for the settings of a command.\n", cmd.CommandPath())
		return b.String()
	case cmd.Annotations == nil: // not one of the table's
		return fmt.Sprintf("%s\n\n%s", cmp.Or(cmd.Long, cmd.Short), cmd.UsageString())
	}
	usage := strings.TrimSpace(cmd.CommandPath() + " [FLAGS] " + cmd.Annotations[operandsKey])
	fmt.Fprintf(&b, "%s: %s\n\nUsage: %s\n\n", cmd.CommandPath(), cmd.Short, usage)
	if about := cmd.Annotations[aboutKey]; about != "" {
		fmt.Fprintf(&b, "%s: %s.\n\n", cmd.Annotations[operandsKey], about)
	}
	b.WriteString(cmd.LocalFlags().FlagUsagesWrapped(helpWidth))
	if note := cmd.Annotations[noteKey]; note != "" {
		b.WriteString("\n" + note)
	}
	if table.Reads(cmd.Name()) {
		b.WriteString("\nEach setting can also be given in the environment (GOALTRACK_LISTEN for --listen) or in the\n" +
			"file that --config names (listen: ...). Flags win over the environment, and that over the\nfile.\n")
	}
	return b.String()
}
