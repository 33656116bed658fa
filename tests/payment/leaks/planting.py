"""A bill of 6201 each of whose clinical texts is a word that stands nowhere else, and a shop whose orders are saved with it."""

from __future__ import annotations

from itertools import count
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from buf.validate import validate_pb2
from services.kernel import authorisations
from services.kernel.authorisations import digest_of
from services.payment.channels.protocol import Delivery
from services.payment.domain.orders import PayOrder
from services.payment.domain.splits import Split
from services.payment.operations.books import Write
from services.runtime.call import use_call
from tests.payment.order_fakes import Dice, FakeSettlement
from tests.payment.suite.party import INSTITUTION
from tests.payment.suite.shop import ACCT, CASH, FUND, Shop, ShopClock
from tests.payment.suite.stage import Stage
from yibao.common.v1 import codes_pb2
from yibao.options.v1 import options_pb2
from yibao.payment.v1 import fee_upload_pb2, pay_order_pb2

_NUMBERS: Final = count(1)
TOO_SHORT: Final = frozenset(
    {"diag_type", "cnt", "prd_days", "diag_srt_no", "vali_flag", "dscg_tkdrug_flag", "matn_fee_flag"}
)
"""Clinical texts that hold a code of some digits, which stand in any number."""
WHO: Final = ("试验甲", "990101189902300016")
"""Name and identity number of who is told of in 6201 and pays: they leave sealed or not at all."""
_DOCTORS: Final = frozenset(
    {
        "dr_name",
        "atddr_no",
        "dise_dor_no",
        "dise_dor_name",
        "bilg_dr_codg",
        "bilg_dr_name",
        "orders_dr_code",
        "orders_dr_name",
    }
)
_PLACES: Final = frozenset({"dept_code", "bilg_dept_codg", "acord_dept_codg"})


def planted() -> tuple[fee_upload_pb2.FeeUpload, set[str]]:
    """A bill without its amounts and numbers, and the words in it."""
    bill, words = fee_upload_pb2.FeeUpload(), set[str]()
    bill.diseinfo_list.add()
    bill.feedetail_list.add()
    for message in (bill, bill.diseinfo_list[0], bill.feedetail_list[0]):
        for field in fields_to_plant(message.DESCRIPTOR):
            word = _word(field)
            setattr(message, field.name, word)
            words.add(word)
    return bill, words


def fields_to_plant(message: Descriptor) -> list[FieldDescriptor]:
    """Texts that are clinical by their class, and those that name doctors and departments."""
    fields: list[FieldDescriptor] = list(message.fields)
    texts = (each for each in fields if each.type == each.TYPE_STRING and not each.is_repeated)
    return [each for each in texts if is_clinical(each) and each.name not in TOO_SHORT]


def is_clinical(field: FieldDescriptor) -> bool:
    """Whether a channel may not be told it."""
    kind = field.GetOptions().Extensions[options_pb2.data_class]
    return kind == options_pb2.DATA_CLASS_CLINICAL or field.name in _DOCTORS | _PLACES


def _word(field: FieldDescriptor) -> str:
    """A word in ASCII and Chinese as long as the field lets it be."""
    most = field.GetOptions().Extensions[validate_pb2.field].string.max_len or 40
    word = f"Zq{next(_NUMBERS):03}Xv"
    return (word + "腘窝囊肿")[:most]


class PlantedShop(Shop):
    """Its orders are saved by 6201 and placed by 6202 with such a bill; `words` are those of all of them."""

    def __post_init__(self) -> None:
        self.words: set[str] = set()
        self.last_no = ""
        self.answers: list[bytes] = []
        super().__post_init__()

    async def tried(self, cash: int = CASH, fund: int = FUND, acct: int = ACCT) -> PayOrder:
        """As the shop's, by messages."""
        self.settlement.split = Split(total_fen=fund + acct + cash, fund_fen=fund, acct_fen=acct, cash_fen=cash)
        self.order_no = await self._saved(fund + acct + cash)
        auth = authorisations.new(digest_of(f"AUTH{self.order_no}"), "P1", INSTITUTION, self.books.now())
        await self.books.keep(Write(authorisations=(auth,)))
        data = pay_order_pb2.OrderPlacement(
            pay_ord_id=self.order_no,
            pay_token=self.saving.token_of(self.order_no),
            org_codg=INSTITUTION,
            org_biz_ser="1",
            pay_auth_no=f"AUTH{self.order_no}",
        )
        desk = pay_order_pb2.Desk(fixmedins_code=INSTITUTION)
        request = pay_order_pb2.PlaceOrderRequest(request_id=self.fresh("r"), desk=desk, data=data)
        assert await self._said(lambda: self.servicer.PlaceOrder(request, None)) == ""
        return await self.now()

    async def hears(self, delivery: Delivery) -> tuple[str, bytes]:
        """As the shop's, and the answer is kept: the channel is told it."""
        reason, answer = await super().hears(delivery)
        self.answers.append(answer)
        return reason, answer

    async def _saved(self, fee_fen: int) -> str:
        bill, words = planted()
        self.words |= words
        name, number = WHO
        batch = self.fresh("B")
        bill.MergeFrom(
            fee_upload_pb2.FeeUpload(
                org_codg=INSTITUTION,
                psn_no="P1",
                insutype="310",
                med_org_ord=self.fresh("H")[:20],
                id_no=number,
                user_name=name,
                id_type="01",
                ec_token="TOKEN",
                ipt_otp_no=self.fresh("I"),
                mdtrt_id="M1",
                med_type=codes_pb2.MED_TYPE_OUTPATIENT,
                fee_type="01",
                medfee_sumamt_fen=fee_fen,
                psn_setlway="01",
                chrg_bchno=batch,
            )
        )
        (line,) = bill.feedetail_list
        line.order_line_sn, line.chrg_bchno, line.det_item_fee_sumamt_fen = self.fresh("L"), batch, fee_fen
        desk = pay_order_pb2.Desk(fixmedins_code=INSTITUTION, mdtrtarea_admvs="110100")
        request = pay_order_pb2.SaveOrderRequest(request_id=self.fresh("r"), desk=desk, data=bill)
        with use_call(self.call()):
            answer: Any = await self.servicer.SaveOrder(request, None)
        return str(answer.data.pay_ord_id)


def opened(stage: Stage) -> PlantedShop:
    """Such a shop on a stage that is set."""
    dice = Dice(0)
    dice.calm = True
    clock = ShopClock(stage)
    account = None if stage.door is None else stage.party.account(stage.notify_url(), stage.serial())
    settlement = FakeSettlement(clock, dice)  # type: ignore[arg-type]  # a clock too
    return PlantedShop(stage, stage.party, clock, settlement, account)
