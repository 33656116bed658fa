"""WADO-RS of the province node, as viewers ask: frames, metadata, bulk data and pictures, with and without compression."""

from __future__ import annotations

import email.parser
import email.policy
import sys
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import msgspec
import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.data import get_testdata_file

from tests.imaging.pacs_desk import Desk, desk, reason_of
from tools.pacs_node.samples import SIDE, chest_ct, study_uid

CT = list(chest_ct())[:3]
STUDY = study_uid()
FILES = (
    "JPEG2000.dcm",
    "SC_rgb_rle_2frame.dcm",
    "MR_small_bigendian.dcm",
    "liver_1frame.dcm",
    "JPEG-LL.dcm",
    "emri_small_jpeg_ls_lossless.dcm",
    "test-SR.dcm",
)


def file_of(name: str) -> Path:
    found = get_testdata_file(name, download=False)
    assert isinstance(found, str)
    return Path(found)


def where(name: str) -> str:
    dataset = pydicom.dcmread(file_of(name), stop_before_pixels=True)
    series = f"/dicom-web/studies/{dataset.StudyInstanceUID}/series/{dataset.SeriesInstanceUID}"
    return f"{series}/instances/{dataset.SOPInstanceUID}"


def parts(headers: dict[str, str], body: bytes) -> list[tuple[str, bytes]]:
    """Content type and bytes of each part, read by the standard library."""
    head = f"Content-Type: {headers['Content-Type']}\r\nMIME-Version: 1.0\r\n\r\n".encode()
    whole = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    boundary = whole.get_boundary()
    assert boundary is not None
    pieces = body.split(f"--{boundary}".encode())[1:-1]
    split = [piece.removeprefix(b"\r\n").removesuffix(b"\r\n").partition(b"\r\n\r\n") for piece in pieces]
    return [(head.decode().removeprefix("Content-Type: "), value) for head, _, value in split]


@pytest.fixture(scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    async with desk(tmp_path_factory.mktemp("node") / "node") as running:
        status, _ = await running.store(*CT, *(file_of(name).read_bytes() for name in FILES))
        assert status == 200
        yield running


def first() -> str:
    dataset = pydicom.dcmread(BytesIO(CT[1]), stop_before_pixels=True)
    return f"/dicom-web/studies/{STUDY}/series/{dataset.SeriesInstanceUID}/instances/{dataset.SOPInstanceUID}"


async def test_a_study_comes_back_byte_for_byte(node: Desk) -> None:
    status, headers, body = await node.get(f"/dicom-web/studies/{STUDY}")

    assert status == 200
    got = parts(dict(headers), body)
    assert {value for _, value in got} == set(CT)
    assert {kind for kind, _ in got} == {"application/dicom; transfer-syntax=1.2.840.10008.1.2.1"}


async def test_one_instance_comes_alone_where_a_client_takes_no_multipart(node: Desk) -> None:
    status, headers, body = await node.get(first(), "application/dicom")
    many = await node.get(f"/dicom-web/studies/{STUDY}", "application/dicom")

    assert (status, headers["Content-Type"].partition(";")[0], body) == (200, "application/dicom", CT[1])
    assert (many[0], reason_of(many[2])) == (406, "NOT_ACCEPTABLE")


@pytest.mark.parametrize(
    "accept",
    [
        # As OHIF writes it, as the standard does, and as a plain client does.
        "multipart/related; type=application/octet-stream; transfer-syntax=*",
        'multipart/related; type="application/octet-stream"; transfer-syntax=*',
        'multipart/related; type="application/octet-stream"',
        "*/*",
        "",
    ],
)
async def test_frames_without_compression_are_the_pixels(node: Desk, accept: str) -> None:
    status, headers, body = await node.get(f"{first()}/frames/1", accept)

    assert status == 200
    ((kind, value),) = parts(dict(headers), body)
    assert kind == "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1"
    assert value == pydicom.dcmread(BytesIO(CT[1])).PixelData
    assert len(value) == SIDE * SIDE * 2


async def test_compressed_frames_come_as_stored_or_decoded_as_the_client_asks(node: Desk) -> None:
    path = where("JPEG2000.dcm")
    pixels = pydicom.dcmread(file_of("JPEG2000.dcm")).pixel_array

    _, headers, body = await node.get(
        f"{path}/frames/1", "multipart/related; type=application/octet-stream; transfer-syntax=*"
    )
    ((stored_kind, stored),) = parts(dict(headers), body)
    _, headers, body = await node.get(f"{path}/frames/1", 'multipart/related; type="image/jp2"')
    ((jp2_kind, jp2),) = parts(dict(headers), body)
    _, headers, body = await node.get(f"{path}/frames/1", 'multipart/related; type="application/octet-stream"')
    ((plain_kind, plain),) = parts(dict(headers), body)

    assert stored_kind == "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.4.91"
    assert jp2_kind == "image/jp2; transfer-syntax=1.2.840.10008.1.2.4.91"
    assert stored == jp2
    assert stored.startswith(b"\xff\x4f\xff\x51")
    assert plain_kind == "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1"
    assert plain == pixels.astype("<i2").tobytes()


async def test_several_frames_come_in_the_order_asked_for_and_a_frame_that_is_none_is_refused(node: Desk) -> None:
    path = where("SC_rgb_rle_2frame.dcm")
    frames = pydicom.dcmread(file_of("SC_rgb_rle_2frame.dcm")).pixel_array

    _, headers, body = await node.get(f"{path}/frames/2,1", 'multipart/related; type="application/octet-stream"')
    refused = [await node.get(f"{path}/frames/{number}") for number in ("3", "0", "x", "1,9")]

    got = [np.frombuffer(value, np.uint8) for _, value in parts(dict(headers), body)]
    assert [each.size for each in got] == [frames[0].size] * 2
    assert not np.array_equal(got[0], got[1])
    assert [(each[0], reason_of(each[2])) for each in refused] == [(404, "NO_SUCH_FRAME")] * 4


async def test_big_endian_and_single_bit_pixels_come_little_endian(node: Desk) -> None:
    for name, kind in (("MR_small_bigendian.dcm", "<i2"), ("liver_1frame.dcm", "u1")):
        _, headers, body = await node.get(f"{where(name)}/frames/1")
        ((_, value),) = parts(dict(headers), body)
        wanted = pydicom.dcmread(file_of(name)).pixel_array
        assert value in (wanted.astype(kind).tobytes(), np.packbits(wanted.ravel(), bitorder="little").tobytes())


async def test_a_file_is_given_without_compression_where_a_client_asks_for_that(node: Desk) -> None:
    accept = 'multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.1'
    status, headers, body = await node.get(where("JPEG2000.dcm"), accept)
    ((_, value),) = parts(dict(headers), body)
    unknown = await node.get(where("JPEG-LL.dcm"), accept)

    assert status == 200
    assert np.array_equal(
        pydicom.dcmread(BytesIO(value)).pixel_array, pydicom.dcmread(file_of("JPEG2000.dcm")).pixel_array
    )
    # No codec for lossless JPEG is among the packages: a refusal, and the file as it is stored for who takes that.
    assert (unknown[0], reason_of(unknown[2])) == (406, "NOT_ACCEPTABLE")
    assert (await node.get(where("JPEG-LL.dcm")))[0] == 200


async def test_jpeg_ls_is_given_as_it_is_stored_and_decoded_where_a_python_has_its_codec(node: Desk) -> None:
    name = "emri_small_jpeg_ls_lossless.dcm"
    plain = 'multipart/related; type="application/octet-stream"'
    _, headers, body = await node.get(f"{where(name)}/frames/1", 'multipart/related; type="image/jls"')
    ((_, stored),) = parts(dict(headers), body)
    status, headers, body = await node.get(f"{where(name)}/frames/1", plain)

    assert stored.startswith(b"\xff\xd8\xff\xf7")  # the head of JPEG-LS: SOI and SOF55
    if sys.version_info >= (3, 14):
        assert (status, reason_of(body)) == (406, "NOT_ACCEPTABLE")
    else:
        ((_, decoded),) = parts(dict(headers), body)
        assert decoded == pydicom.dcmread(file_of("emri_small.dcm")).pixel_array[0].tobytes()


async def test_metadata_name_large_values_by_addresses_that_lead_to_them(node: Desk) -> None:
    status, headers, body = await node.get(f"{first()}/metadata", "application/dicom+json")
    (told,) = msgspec.json.decode(body)
    address = told["7FE00010"]["BulkDataURI"]
    got = await node.get(address.removeprefix(node.node.url), "application/octet-stream")
    gone = await node.get(f"{first()}/bulkdata/00091002")
    nested = await node.get(f"{first()}/bulkdata/00081032/0/00080100/9")

    assert (status, headers["Content-Type"]) == (200, "application/dicom+json")
    assert told["00100010"]["Value"] == [{"Alphabetic": "Ji^Cejia", "Ideographic": "济测甲"}]
    assert told["0008103E"]["Value"] == ["胸部平扫 5mm 软组织"]
    assert address.startswith(f"{node.node.url}/dicom-web/studies/{STUDY}/")
    assert got[2] == pydicom.dcmread(BytesIO(CT[1])).PixelData
    assert [(each[0], reason_of(each[2])) for each in (gone, nested)] == [(404, "NOT_FOUND")] * 2


async def test_metadata_in_xml_are_not_promised(node: Desk) -> None:
    status, _, body = await node.get(f"{first()}/metadata", 'multipart/related; type="application/dicom+xml"')

    assert (status, reason_of(body)) == (406, "NOT_ACCEPTABLE")


async def test_pictures_show_the_window_that_is_asked_for(node: Desk) -> None:
    soft = await node.get(f"{first()}/rendered", "image/png")
    lung = await node.get(f"{first()}/frames/1/rendered?window=-600,1500,linear", "image/png")
    small = await node.get(f"{first()}/thumbnail", "image/jpeg")
    whole = await node.get(f"/dicom-web/studies/{STUDY}/rendered?viewport=64,64", "image/*")

    pictures = [np.asarray(Image.open(BytesIO(each[2]))) for each in (soft, lung)]
    centre = (slice(SIDE // 2 - 4, SIDE // 2 + 4), slice(SIDE // 2 - 4, SIDE // 2 + 4))
    in_lung = (slice(SIDE // 2 - 8, SIDE // 2), slice(int(SIDE * 0.31) - 4, int(SIDE * 0.31) + 4))
    assert [each.shape for each in pictures] == [(SIDE, SIDE)] * 2
    # A lung is black in the window of soft tissue and grey in its own; the middle is grey, then almost white.
    assert pictures[0][in_lung].mean() < 5 < 40 < pictures[1][in_lung].mean()
    assert 90 < pictures[0][centre].mean() < 170 < pictures[1][centre].mean()
    assert Image.open(BytesIO(small[2])).size == (128, 128)
    assert (whole[1]["Content-Type"], Image.open(BytesIO(whole[2])).size) == ("image/jpeg", (64, 64))


@pytest.mark.parametrize(
    ("path", "accept", "status", "reason"),
    [
        (f"{first()}/rendered?window=x", "image/png", 400, "PARAMETER_WRONG"),
        (f"{first()}/rendered?window=40,nan,linear", "image/png", 400, "PARAMETER_WRONG"),
        (f"{first()}/rendered?quality=1000", "image/jpeg", 400, "PARAMETER_WRONG"),
        (f"{first()}/rendered", "video/mp4", 406, "NOT_ACCEPTABLE"),
        (f"{where('test-SR.dcm')}/rendered", "image/png", 406, "NOT_RENDERED"),
        (f"{where('JPEG-LL.dcm')}/rendered", "image/png", 406, "NOT_RENDERED"),
        (f"{where('test-SR.dcm')}/frames/1", "*/*", 404, "NO_SUCH_FRAME"),
        ("/dicom-web/studies/1.2.3", "*/*", 404, "NOT_FOUND"),
        ("/dicom-web/studies/1.2.3/metadata", "*/*", 404, "NOT_FOUND"),
        ("/dicom-web/studies/1.02", "*/*", 400, "UID_WRONG"),
        ("/dicom-web/studies?PatientSex=M", "*/*", 400, "PARAMETER_WRONG"),
        ("/dicom-web/studies?limit=x", "*/*", 400, "PARAMETER_WRONG"),
        ("/anything", "*/*", 404, "PATH_UNKNOWN"),
    ],
)
async def test_what_cannot_be_given_is_refused_with_a_reason_and_open_to_viewers_of_any_origin(
    node: Desk, path: str, accept: str, status: int, reason: str
) -> None:
    told, headers, body = await node.get(path, accept)

    assert (told, reason_of(body)) == (status, reason)
    assert headers["Access-Control-Allow-Origin"] == "*"


async def test_head_has_the_headers_and_no_body(node: Desk) -> None:
    for path in (f"/dicom-web/studies/{STUDY}", f"{first()}/metadata", f"{first()}/frames/1"):
        status, headers, body = await node.get(path, method="HEAD")
        assert (status, body) == (200, b"")
        assert headers["Content-Type"].partition(";")[0] in ("multipart/related", "application/dicom+json")


async def test_operators_list_what_is_kept(node: Desk) -> None:
    status, _, body = await node.get("/dicom-web/studies?PatientID=37010000000000000201&StudyDate=20260501-20260531")
    (study,) = msgspec.json.decode(body)
    _, _, listed = await node.get(f"/dicom-web/studies/{STUDY}/series?includefield=00080021")
    none = await node.get("/dicom-web/studies?StudyDate=20250101-20250102")

    assert status == 200
    assert study["0020000D"]["Value"] == [STUDY]
    assert study["00080061"]["Value"] == ["CT"]
    assert study["00201208"]["Value"] == [3]
    assert [each["00200011"]["Value"] for each in msgspec.json.decode(listed)] == [[1], [2]]
    assert none[0] == 204
