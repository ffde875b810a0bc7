using System.Xml;
using System.Xml.Linq;
using System.Xml.Schema;

namespace MessageStore.Tests.Maintenance;

/// <summary>
/// What [MS-TSCH] 2.5 says of the elements that we write, as a schema of our own: their order, their types, which must be there. An element that we do not write is left out, so that one
/// that slips in is an error.
/// </summary>
internal static class TaskSchema
{
    private const string Namespace = "http://schemas.microsoft.com/windows/2004/02/mit/task";

    private const string Text = """
        <xs:schema targetNamespace="http://schemas.microsoft.com/windows/2004/02/mit/task" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task"
                   xmlns:xs="http://www.w3.org/2001/XMLSchema" elementFormDefault="qualified">
          <xs:simpleType name="filled"><xs:restriction base="xs:string"><xs:minLength value="1"/></xs:restriction></xs:simpleType>
          <xs:simpleType name="minutes"><xs:restriction base="xs:duration"><xs:minInclusive value="PT1M"/><xs:maxInclusive value="P31D"/></xs:restriction></xs:simpleType>
          <xs:element name="Task"><xs:complexType>
            <xs:all>
              <xs:element name="RegistrationInfo"><xs:complexType><xs:all>
                <xs:element name="Source" type="xs:string"/><xs:element name="Author" type="xs:string"/><xs:element name="Description" type="xs:string"/>
                <xs:element name="URI" type="xs:anyURI"/><xs:element name="Documentation" type="xs:string"/></xs:all></xs:complexType></xs:element>
              <xs:element name="Triggers"><xs:complexType><xs:sequence>
                <xs:element name="CalendarTrigger"><xs:complexType><xs:sequence>
                  <xs:element name="Enabled" type="xs:boolean"/><xs:element name="StartBoundary" type="xs:dateTime"/>
                  <xs:element name="Repetition" minOccurs="0"><xs:complexType><xs:all>
                    <xs:element name="Interval" type="minutes"/><xs:element name="Duration" type="minutes" minOccurs="0"/>
                    <xs:element name="StopAtDurationEnd" type="xs:boolean" minOccurs="0"/></xs:all></xs:complexType></xs:element>
                  <xs:element name="ScheduleByDay"><xs:complexType><xs:all><xs:element name="DaysInterval" type="xs:unsignedShort"/></xs:all></xs:complexType></xs:element>
                </xs:sequence></xs:complexType></xs:element></xs:sequence></xs:complexType></xs:element>
              <xs:element name="Settings"><xs:complexType><xs:all>
                <xs:element name="MultipleInstancesPolicy"><xs:simpleType><xs:restriction base="xs:string"><xs:enumeration value="Parallel"/><xs:enumeration value="Queue"/>
                  <xs:enumeration value="IgnoreNew"/><xs:enumeration value="StopExisting"/></xs:restriction></xs:simpleType></xs:element>
                <xs:element name="DisallowStartIfOnBatteries" type="xs:boolean"/><xs:element name="StopIfGoingOnBatteries" type="xs:boolean"/>
                <xs:element name="StartWhenAvailable" type="xs:boolean"/><xs:element name="RunOnlyIfNetworkAvailable" type="xs:boolean"/><xs:element name="Enabled" type="xs:boolean"/>
                <xs:element name="ExecutionTimeLimit" type="xs:duration"/>
                <xs:element name="Priority"><xs:simpleType><xs:restriction base="xs:byte"><xs:minInclusive value="0"/><xs:maxInclusive value="10"/></xs:restriction></xs:simpleType></xs:element>
              </xs:all></xs:complexType></xs:element>
              <xs:element name="Principals"><xs:complexType><xs:sequence><xs:element name="Principal"><xs:complexType><xs:all>
                <xs:element name="UserId" type="filled"/>
                <xs:element name="LogonType" minOccurs="0"><xs:simpleType><xs:restriction base="xs:string"><xs:enumeration value="S4U"/><xs:enumeration value="Password"/>
                  <xs:enumeration value="InteractiveToken"/></xs:restriction></xs:simpleType></xs:element>
                <xs:element name="RunLevel"><xs:simpleType><xs:restriction base="xs:string"><xs:enumeration value="LeastPrivilege"/><xs:enumeration value="HighestAvailable"/></xs:restriction></xs:simpleType></xs:element>
              </xs:all><xs:attribute name="id" type="xs:ID"/></xs:complexType></xs:element></xs:sequence></xs:complexType></xs:element>
              <xs:element name="Actions"><xs:complexType><xs:sequence><xs:element name="Exec"><xs:complexType><xs:all>
                <xs:element name="Command" type="filled"/><xs:element name="Arguments" type="xs:string"/></xs:all></xs:complexType></xs:element></xs:sequence>
                <xs:attribute name="Context" type="xs:IDREF"/></xs:complexType></xs:element>
            </xs:all>
            <xs:attribute name="version"><xs:simpleType><xs:restriction base="xs:string"><xs:pattern value="\d+(\.\d+){1,3}"/></xs:restriction></xs:simpleType></xs:attribute>
          </xs:complexType></xs:element>
        </xs:schema>
        """;

    /// <exception cref="XmlSchemaValidationException">The document is not valid.</exception>
    public static void Validate(XDocument document)
    {
        var schemas = new XmlSchemaSet();
        using var reader = XmlReader.Create(new StringReader(Text));
        schemas.Add(Namespace, reader);
        document.Validate(schemas, null);
    }
}
