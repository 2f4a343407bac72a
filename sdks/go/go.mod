module github.com/ai-hub/go-sdk

go 1.19
