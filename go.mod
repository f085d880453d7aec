module github.com/goaltrack/goaltrack

go 1.26.0

require (
	github.com/gorilla/mux v1.8.1
	github.com/gorilla/securecookie v1.1.2
	github.com/spf13/cobra v1.10.2
	github.com/spf13/pflag v1.0.10
	go.yaml.in/yaml/v4 v4.0.0
	golang.org/x/net v0.56.0
	golang.org/x/sync v0.24.0
	golang.org/x/text v0.41.0
)

require github.com/inconshreveable/mousetrap v1.1.0 // indirect
