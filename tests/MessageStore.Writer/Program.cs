using System.Globalization;
using MessageStore.Writer;

if (args.Length != 6 || !Enum.TryParse(args[2], ignoreCase: true, out WriterMode mode))
{
    Console.Error.WriteLine("usage: MessageStore.Writer DATABASE JOURNAL write|archive|backup|checkpoint|compact|import|bulk|untilclosed SEED WRITERS COUNT");
    return 2;
}
using var run = new WriterRun(args[0], args[1], mode, Number(args[3]), Number(args[4]), Number(args[5]));
return await run.RunAsync().ConfigureAwait(false);

static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
