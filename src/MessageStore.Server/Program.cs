using MessageStore.Server;

return await CommandLine.RunAsync(args).ConfigureAwait(false);
