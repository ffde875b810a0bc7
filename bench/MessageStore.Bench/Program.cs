using MessageStore.Bench;

switch (args.FirstOrDefault())
{
    case "checksums":
        ChecksumBench.Run();
        return 0;
    case "records":
        RecordBench.Run(args.ElementAtOrDefault(1) ?? Path.GetTempPath());
        return 0;
    case "keys":
        KeyBench.Run(args.ElementAtOrDefault(1) ?? Path.GetTempPath());
        return 0;
    default:
        Console.Error.WriteLine("usage: MessageStore.Bench checksums | records [folder] | keys [folder]");
        return 2;
}
