using System.Reflection;
using System.Reflection.Emit;
using System.Text.RegularExpressions;
using MessageStore.IO;

namespace MessageStore.Tests;

/// <summary>The floors of the engine (docs/architecture.md): each folder stands only on those before it. Looked at in the compiled code, down to every instruction.</summary>
public sealed partial class FloorTests
{
    /// <summary>From the ground up; those of one line stand on one floor.</summary>
    private static readonly string[][] Floors =
    [
        ["IO"], ["Messages"], ["Samples"], ["Storage"], ["Searching"], ["Keys"], ["Archiving"], ["Replication"], ["Backups"], ["Maintenance"], ["Facade", "Transfer"],
    ];

    private static readonly Dictionary<short, OpCode> OpCodesByValue =
        typeof(OpCodes).GetFields().Select(f => (OpCode)f.GetValue(null)!).ToDictionary(c => c.Value);

    private readonly Assembly engine = typeof(IStorage).Assembly;
    private readonly Dictionary<string, int> floorOfFile = [];

    [Fact]
    public void No_type_uses_one_of_a_floor_above_its_own()
    {
        ReadFolders();
        var wrong = new SortedSet<string>(StringComparer.Ordinal);
        int looked = 0;
        foreach (Type type in engine.GetTypes())
        {
            if (FloorOf(type) is not { } floor) continue;
            foreach (Type used in UsedBy(type))
            {
                looked++;
                if (FloorOf(used) is { } other && other > floor) wrong.Add($"{Outermost(type).FullName} ({Floors[floor][0]}) uses {Outermost(used).FullName} ({Floors[other][0]}).");
            }
        }
        Assert.True(looked > 10_000, $"only {looked} uses were looked at");
        Assert.Empty(wrong);
    }

    /// <summary>Public contracts share one namespace: which floor a type is of says the folder of its file.</summary>
    private void ReadFolders()
    {
        string root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "MessageStore.sln"))) root = Path.GetDirectoryName(root)!;
        string source = Path.Combine(root, "src", "MessageStore.Engine");
        for (int floor = 0; floor < Floors.Length; floor++)
            foreach (string file in Floors[floor].SelectMany(f => Directory.GetFiles(Path.Combine(source, f), "*.cs", SearchOption.AllDirectories)))
            {
                string text = File.ReadAllText(file);
                foreach (Match declared in Declaration().Matches(text)) floorOfFile.TryAdd($"{Namespace().Match(text).Groups[1].Value}.{declared.Groups[1].Value}", floor);
            }
    }

    private int? FloorOf(Type type)
    {
        Type outer = Outermost(type);
        return floorOfFile.TryGetValue($"{outer.Namespace}.{outer.Name.Split('`')[0]}", out int floor) ? floor : null;
    }

    private static Type Outermost(Type type)
    {
        while (type.HasElementType) type = type.GetElementType()!;
        while (type.DeclaringType is { } outer) type = outer;
        return type;
    }

    private IEnumerable<Type> UsedBy(Type type)
    {
        const BindingFlags All = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
        var direct = new List<Type?> { type.BaseType };
        direct.AddRange(type.GetInterfaces());
        direct.AddRange(type.GetFields(All).Select(f => f.FieldType));
        foreach (MethodBase method in type.GetMethods(All).Concat<MethodBase>(type.GetConstructors(All)))
        {
            direct.AddRange(method.GetParameters().Select(p => p.ParameterType));
            if (method is MethodInfo { ReturnType: { } returned }) direct.Add(returned);
            if (method.GetMethodBody() is not { } body) continue;
            direct.AddRange(body.LocalVariables.Select(l => l.LocalType));
            direct.AddRange(body.ExceptionHandlingClauses.Where(c => c.Flags == ExceptionHandlingClauseOptions.Clause).Select(c => c.CatchType));
            direct.AddRange(InInstructions(method, body.GetILAsByteArray()!));
        }
        return direct.OfType<Type>().SelectMany(Parts).Where(t => t.Assembly == engine);
    }

    private static IEnumerable<Type> Parts(Type type) => type.IsGenericType ? type.GetGenericArguments().SelectMany(Parts).Prepend(type) : [type];

    private static IEnumerable<Type?> InInstructions(MethodBase method, byte[] code)
    {
        Type[]? ofType = method.DeclaringType!.IsGenericType ? method.DeclaringType.GetGenericArguments() : null;
        Type[]? ofMethod = method.IsGenericMethod ? method.GetGenericArguments() : null;
        for (int at = 0; at < code.Length;)
        {
            OpCode operation = OpCodesByValue[code[at] == 0xFE ? (short)(0xFE00 | code[at + 1]) : code[at]];
            at += operation.Size;
            if (operation.OperandType is OperandType.InlineField or OperandType.InlineMethod or OperandType.InlineTok or OperandType.InlineType)
            {
                MemberInfo member = method.Module.ResolveMember(BitConverter.ToInt32(code, at), ofType, ofMethod)!;
                yield return member as Type ?? member.DeclaringType;
            }
            at += operation.OperandType switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + BitConverter.ToInt32(code, at) * 4,
                _ => 4,
            };
        }
    }

    [GeneratedRegex(@"^(?:public|internal)[\w ]*? (?:class|struct|interface|enum|record(?: struct)?|delegate \S+) (\w+)", RegexOptions.Multiline)]
    private static partial Regex Declaration();

    [GeneratedRegex(@"^namespace ([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex Namespace();
}
