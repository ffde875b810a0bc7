using MessageStore.Server;
using MessageStore.Server.Serving;

// Before anything runs on the pool, which asks once.
if (args is [ServeCommand.Name, ..]) AppContext.SetData("System.Threading.ThreadPool.UnfairSemaphoreSpinLimit", ServeCommand.SpinLimit);
return await CommandLine.RunAsync(args).ConfigureAwait(false);
