using System.Runtime.InteropServices;
using MessageStore.IO;
using MessageStore.Storage;

namespace MessageStore.Backups;

/// <summary>
/// What the administrator said, as the files of a group have it that is not opened: from the newest checkpoint whose tables are whole, and from the logs behind it. Nothing is written, damage is passed over.
/// </summary>
internal sealed class RecordSurvey(IStorage storage, GroupIdentity identity)
{
    private readonly MessageIndex said = new(); // which takes records as they come, and keeps the newest of each

    /// <summary>Records with the messages that they name one by one.</summary>
    public IReadOnlyList<RecordTable> Records => said.AllRecords();

    /// <summary>What could not be read, a sentence each.</summary>
    public List<string> Problems { get; } = [];

    /// <summary>Reads the newest checkpoint whose tables are whole.</summary>
    /// <returns>Its transaction; <see langword="null"/> where there is none.</returns>
    public ulong? ReadCheckpoint(string storeFolder)
    {
        try
        {
            if (!storage.FolderExists(storeFolder)) return null;
            foreach ((ulong lsn, string path) in IndexSnapshot.List(storage, storeFolder))
            {
                if (TryReadTables(path) is not { } tables) continue;
                foreach (RecordTable table in tables.Records)
                {
                    said.PutRecord(table.Record);
                    said.AddMembers(table.Record.Id, MemoryMarshal.AsBytes<UInt128Bytes>(table.Members));
                }
                return lsn;
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            Problems.Add($"{storeFolder} cannot be read: {error.Message}");
        }
        return null;
    }

    /// <summary>Reads what the logs say after a transaction.</summary>
    /// <param name="logFolder">Where log and patch files are.</param>
    /// <param name="after">What was up to this transaction is known.</param>
    public void ReadLogs(string logFolder, ulong after)
    {
        List<LogFile> files = [];
        try
        {
            if (storage.FolderExists(logFolder)) files = LogFiles.List(storage, logFolder);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            Problems.Add($"{logFolder} cannot be read: {error.Message}");
            return;
        }
        if (files.Count == 0) Problems.Add($"There is no log in {logFolder}.");
        else if (files[0].FirstLsn > after + 1) Problems.Add($"The log in {logFolder} begins at transaction {files[0].FirstLsn}; what came from {after + 1} up to there is missing.");
        for (int number = 0; number < files.Count; number++)
        {
            if (LogFiles.LastLsn(files, number) <= after) continue;
            try
            {
                ReadLog(files[number], after);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                Problems.Add($"{files[number].Path} cannot be read: {error.Message}");
            }
        }
    }

    private IndexTables? TryReadTables(string path)
    {
        try
        {
            return IndexSnapshot.ReadTables(storage, path, identity);
        }
        catch (Exception error) when (error is FormatException or IOException or UnauthorizedAccessException)
        {
            Problems.Add($"{path} cannot be read: {error.Message}");
            return null;
        }
    }

    private void ReadLog(LogFile log, ulong after)
    {
        using IStorageFile file = storage.Open(log.Path, FileAccessKind.Read);
        if (GroupFileHeader.Read(file, out int start) is not { } header) return; // made in the last moment, and nothing in it yet; or damaged, and then the frames behind it do not begin where they should
        if (header.Identity.Salt != identity.Salt || header.Identity.DatabaseId != identity.DatabaseId)
        {
            Problems.Add($"{log.Path} belongs to another storage group.");
            return;
        }
        long at = start;
        for (ulong expected = log.FirstLsn; ;)
        {
            using var reader = new FrameReader(file, identity.Salt, at, expected);
            while (reader.TryRead(out FrameHeader frame, out ReadOnlySpan<byte> payload))
                if (frame.Lsn > after) Take(frame, payload);
            if (reader.End.Kind != FrameEndKind.Damaged) return;
            if (reader.ExpectedLsn > after) Problems.Add($"{log.Path} is damaged at offset {reader.End.Offset}.");
            if (FrameScanner.FindNext(file, identity.Salt, reader.End.Offset + FrameHeader.Alignment, reader.End.Lsn + 1) is not { } next) return;
            (at, expected) = (next.Offset, next.Header.Lsn);
        }
    }

    private void Take(in FrameHeader frame, ReadOnlySpan<byte> payload)
    {
        switch ((TransactionType)frame.Type)
        {
            case TransactionType.Record:
                said.PutRecord(GroupRecord.Read(payload));
                break;
            case TransactionType.RecordMembers:
                said.AddMembers(new Guid(payload[..16], bigEndian: true), payload[16..]);
                break;
        }
    }
}
