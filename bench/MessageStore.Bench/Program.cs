using MessageStore.Bench;

return await BenchProgram.RunAsync(args).ConfigureAwait(false);
